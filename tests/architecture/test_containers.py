"""Compose's Temporal is the one that we start ourselves: same version, same tuning."""

from pathlib import Path

import pytest

from flowforge.temporal.devserver import _TUNING
from flowforge.temporal.ways import VERSION

_ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("setting", _TUNING)
def test_compose_tunes_temporal_as_we_do(setting: str) -> None:
    assert f"--dynamic-config-value={setting}\n" in (_ROOT / "docker-compose.yml").read_text()


def test_image_has_the_version_that_we_build() -> None:
    assert f"=temporalio/temporal:{VERSION.removeprefix('v')}\n" in (_ROOT / "Dockerfile").read_text()
