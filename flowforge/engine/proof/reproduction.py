"""A finding as a file of tests: it fails until the definition is mended, or tells what happens."""

from typing import Any

import yaml

from flowforge.engine.proof.prove import Finding


class _Plain(yaml.SafeDumper):
    """Writes everything out: files of tests have no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def reproduction(finding: Finding, workflow: str, *, given: Any = None) -> str:
    """Return a `.test.yaml` in which a finding's story happens again; it fails for as long as it can.

    Args:
        finding: what was found.
        workflow: the definition's file, as seen from the test's.
        given: the run's input, where the proof had one.
    """
    case: dict[str, Any] = {"name": finding.message}
    if given is not None:
        case["input"] = given
    case["happens"] = [{happening.who: happening.what} for happening in finding.story]
    case["expect"] = {"wrong": {}}
    document = {"workflow": workflow, "cases": [case]}
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)
