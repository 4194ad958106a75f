"""A model of the world: what became of each effect, by the key under which it was asked for.

A second delivery under the same key does nothing more: services honour keys. What they cannot do, unless they are
fenced, is refuse an effect that comes after its undo.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

from flowforge.engine.core.keys import Key

Effect = Literal["absent", "late", "present", "undoing", "undone", "undone_late", "undone_twice", "returned"]
"""An effect is not there; is on its way, after its attempt was given up; is there; is there while its undo is on its
way; is undone; is undone and on its way all the same; is undone under two keys; came back after its undo."""

STANDS: Final = frozenset({"present", "undoing", "returned"})
"""The effects that are there."""

UNDER_WAY: Final = frozenset({"late", "undoing", "undone_late"})
"""The effects that may yet change by themselves."""

_ON_COMMIT: Final[dict[Effect, Effect]] = {"late": "present", "undoing": "undone", "undone_late": "returned"}


@dataclass(frozen=True, slots=True)
class World:
    """What became of every effect; one of which nothing is said is absent.

    Attributes:
        effects: by key, in the order in which they came about.
        undone_by_steps: the keys that a step of its own undid, rather than the compensation, and which step did.
        kept: the keys whose action answered that it succeeded: what a completed run keeps.
    """

    effects: tuple[tuple[Key, Effect], ...] = ()
    undone_by_steps: frozenset[tuple[Key, str]] = frozenset()
    kept: frozenset[Key] = frozenset()

    def effect(self, key: Key) -> Effect:
        """Return what became of one effect."""
        return next((effect for known, effect in self.effects if known == key), "absent")

    def happened(self, key: Key) -> "World":
        """Return the world after an effect took place."""
        return self._with(key, "present") if self.effect(key) in {"absent", "late"} else self

    def answered(self, key: Key) -> "World":
        """Return the world after an action took effect and said so."""
        found = self.happened(key)
        return replace(found, kept=found.kept | {key})

    def delayed(self, key: Key) -> "World":
        """Return the world after an attempt was given up that may take effect later."""
        return self._with(key, "late") if self.effect(key) == "absent" else self

    def committed(self, key: Key) -> "World":
        """Return the world after what was on its way took place."""
        return self._with(key, _ON_COMMIT[self.effect(key)])

    def undone(self, key: Key, *, fenced: bool) -> "World":
        """Return the world after an undo; of a fenced action nothing comes late any more."""
        before = self.effect(key)
        if before in {"undone", "undone_late"} and any(key == known for known, _ in self.undone_by_steps):
            return self._with(key, "undone_twice")
        if before == "late" and not fenced:
            return self._with(key, "undone_late")
        if before == "absent" or before in {"undone", "undone_late", "undone_twice", "returned"}:
            return self
        return self._with(key, "undone")

    def undo_delayed(self, key: Key) -> "World":
        """Return the world after an undo was given up that may take effect later."""
        return self._with(key, "undoing") if self.effect(key) == "present" else self

    def undone_by_step(self, step: str, *, by: str, fenced: bool) -> "World":
        """Return the world after a step of its own did what the compensation of another one's last visit does."""
        key = max((known for known, _ in self.effects if known.step == step), default=Key(step))
        effect = self.effect(key)
        if effect in {"present", "late"}:
            undone = self.undone(key, fenced=fenced)
            return replace(undone, undone_by_steps=undone.undone_by_steps | {(key, by)})
        return self if (key, by) in self.undone_by_steps else self.undone(key, fenced=fenced)

    def _with(self, key: Key, effect: Effect) -> "World":
        rest = tuple(known for known in self.effects if known[0] != key)
        return replace(self, effects=tuple(sorted((*rest, (key, effect)), key=_place)))


def _place(entry: tuple[Key, Effect]) -> tuple[str, int, int]:
    key = entry[0]
    return (key.step, key.visit, -1 if key.item is None else key.item)
