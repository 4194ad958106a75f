"""Compose's Temporals are the one that we start ourselves, and its processes can be told all that ours can."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from flowforge.cli.demo_stage import EGRESS
from flowforge.security.egress import EgressPolicy
from flowforge.settings import Settings
from flowforge.temporal.devserver import _TUNING
from flowforge.temporal.ways import VERSION

_ROOT: Final = Path(__file__).parents[2]
_COMPOSE: Final = ("docker-compose.yml", "docker-compose.postgres.yml")
_NOT_TOLD: Final = {
    "FLOWFORGE_API_URL": "it is for commands of operators, who are elsewhere, or beside the API",
    "FLOWFORGE_DB_PATH": "DATABASE_URL is given",
    "FLOWFORGE_DATA_DIR": "it is where a Temporal of our own would be",
    "WORKER_BUILD_ID": "Compose's workers have no versions: they are all exchanged at once",
    "WORKER_DEPLOYMENT": "the same",
}


def _read(name: str) -> Any:
    return yaml.safe_load((_ROOT / name).read_text())


def _variables() -> set[str]:
    fields = Settings.model_fields.items()
    return {str(field.validation_alias or name).upper() for name, field in fields} - {"(NONE)"}


@pytest.mark.parametrize("setting", _TUNING)
def test_compose_tunes_temporal_as_we_do(setting: str) -> None:
    assert f"--dynamic-config-value={setting}" in _read("docker-compose.yml")["services"]["temporal"]["command"]


def test_temporal_on_postgres_is_tuned_as_ours() -> None:
    tuned = _read("docker/temporal/config/dynamic/tuning.yaml")
    ours = dict(setting.split("=") for setting in _TUNING)
    assert {name: [value["value"] for value in values] for name, values in tuned.items()} == {
        name: [yaml.safe_load(value)] for name, value in ours.items()
    }


@pytest.mark.parametrize("dockerfile", ["Dockerfile", "docker/temporal/Dockerfile"])
def test_image_has_the_version_that_we_build(dockerfile: str) -> None:
    assert f"=temporalio/temporal:{VERSION.removeprefix('v')}\n" in (_ROOT / dockerfile).read_text()


def test_server_that_is_built_is_the_one_of_the_image() -> None:
    [built] = re.findall(r"^version=v(.+)$", (_ROOT / "scripts/build-temporal-server.sh").read_text(), re.MULTILINE)
    [pulled] = re.findall(r"temporalio/auto-setup:([\d.]+)", (_ROOT / "docker-compose.postgres.yml").read_text())
    assert built == pulled


@pytest.mark.parametrize("name", _COMPOSE)
def test_processes_of_compose_are_told_every_setting(name: str) -> None:
    assert set(_read(name)["x-settings"]) == _variables() - _NOT_TOLD.keys()


@pytest.mark.parametrize("name", _COMPOSE)
def test_definitions_in_compose_may_call_the_apis_and_nothing_else_that_is_not_public(name: str) -> None:
    compose = _read(name)
    [allowed] = re.findall(r"^\$\{EGRESS_ALLOW-(.+)\}$", compose["x-settings"]["EGRESS_ALLOW"])
    policy = EgressPolicy.parse(allowed)
    apis = {service for service, body in compose["services"].items() if body.get("build", {}).get("target") == "api"}
    assert set(policy.hosts) == apis
    assert not policy.networks
    assert not policy.permits("temporal", "172.18.0.2")


def test_demo_lets_definitions_reach_this_machine_and_nothing_else_that_is_not_public() -> None:
    policy = EgressPolicy.parse(EGRESS)
    for host, address in (("localhost", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("localhost", "::1")):
        assert policy.permits(host, address)
    for address in ("10.0.0.1", "169.254.169.254", "172.17.0.1", "192.168.1.1", "fe80::1"):
        assert not policy.permits("somebody.example", address)


def test_postgres_has_room_for_every_connection_of_all_processes() -> None:
    services = _read("docker-compose.postgres.yml")["services"]
    [most] = [part for part in services["postgres"]["command"] if part.startswith("max_connections=")]
    processes = sum("DATABASE_URL" in (service.get("environment") or ()) for service in services.values())
    config = (_ROOT / "docker/temporal/config/postgres.yaml").read_text()
    temporals = 4 * sum(int(connections) for connections in re.findall(r"maxConns: (\d+)", config))
    assert processes * 16 + temporals < int(most.removeprefix("max_connections="))
