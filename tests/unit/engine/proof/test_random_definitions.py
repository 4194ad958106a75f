"""Proofs of random definitions: each finding's story happens again, and the count of schedules has an end."""

import random

import pytest

from flowforge.engine.proof.prove import prove
from flowforge.engine.proof.replay import replay
from tests.unit.engine.core.graphs import random_definition


@pytest.mark.parametrize("seed", range(40))
def test_findings_of_a_random_definition_happen_again(seed: int) -> None:
    definition = random_definition(random.Random(seed))
    proof = prove(definition, faults=1, max_states=400)
    assert proof.schedules > 0
    for finding in proof.findings:
        assert finding.step in replay(definition, finding.story).wrong
