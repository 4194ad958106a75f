"""Which Temporal is talked to: TEMPORAL_HOST, Temporal's own variables, or the default."""

from pathlib import Path

import pytest

from flowforge.errors import StartupError
from flowforge.settings import Settings
from flowforge.temporal.target import TemporalTarget


def _target(monkeypatch: pytest.MonkeyPatch, **variables: str) -> TemporalTarget:
    for name in ("TEMPORAL_HOST", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return TemporalTarget.of(Settings.load(env_file=None))


def test_nothing_given_is_the_default_address(monkeypatch: pytest.MonkeyPatch) -> None:
    target = _target(monkeypatch)
    assert (target.address, target.namespace, target.is_given) == ("localhost:7233", "default", False)


def test_temporal_host_wins_over_temporal_address(monkeypatch: pytest.MonkeyPatch) -> None:
    target = _target(monkeypatch, TEMPORAL_HOST="ours:1", TEMPORAL_ADDRESS="theirs:2", TEMPORAL_NAMESPACE="shop")
    assert (target.address, target.namespace, target.is_given) == ("ours:1", "shop", True)


def test_temporals_own_variables_reach_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    target = _target(monkeypatch, TEMPORAL_ADDRESS="shop.tmprl.cloud:7233", TEMPORAL_API_KEY="key")
    config = target.connect_config()
    assert (config["target_host"], config["api_key"], config["tls"]) == ("shop.tmprl.cloud:7233", "key", True)


def test_config_file_is_read_only_where_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / ".config" / "temporalio"
    home.mkdir(parents=True)
    (home / "temporal.toml").write_text('[profile.default]\naddress = "production:7233"\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    assert _target(monkeypatch).address == "localhost:7233"
    named = _target(monkeypatch, TEMPORAL_CONFIG_FILE=str(home / "temporal.toml"))
    assert (named.address, named.is_given) == ("production:7233", True)


def test_unreadable_certificate_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    target = _target(monkeypatch, TEMPORAL_ADDRESS="a:1", TEMPORAL_TLS_SERVER_CA_CERT_PATH="/absent.pem")
    with pytest.raises(StartupError, match=r"TEMPORAL_TLS_\*: /absent\.pem cannot be read"):
        target.connect_config()
