"""What a transfer did, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pywharf_core.transfer.taking_in import Fate, Outcome


@dataclass(slots=True)
class Summary:
    """Filled as outcomes come.

    :ivar taken: files; ``taken_bytes``: of these.
    :ivar refused: place and reason of each; likewise ``passed_over``, of what was no file to be taken.
    :ivar warnings: what could not be kept.
    :ivar complete: False: it ended early, and can be gone on with by the same command.
    """

    taken: int = 0
    taken_bytes: int = 0
    there: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    passed_over: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    complete: bool = False

    @property
    def found_nothing(self) -> bool:
        """Whether there was no distribution file at all, not even one that was refused."""
        return not (self.taken or self.there or self.refused)

    def sort(self) -> None:
        """By place: several threads have no order."""
        self.refused.sort()
        self.passed_over.sort()

    def add(self, outcome: Outcome) -> None:
        match outcome.fate:
            case Fate.TAKEN:
                self.taken += 1
                self.taken_bytes += outcome.size
            case Fate.THERE:
                self.there += 1
            case Fate.REFUSED:
                self.refused.append((outcome.place, outcome.reason))
            case Fate.PASSED_OVER:
                self.passed_over.append((outcome.place, outcome.reason))

    def document(self, verb: str) -> Mapping[str, Any]:
        """For JSON; ``Any``, as its values have many forms.

        :param verb: the key under which taken files are counted.
        """
        return {
            verb: self.taken,
            "bytes": self.taken_bytes,
            "already_there": self.there,
            "refused": _named(self.refused),
            "passed_over": _named(self.passed_over),
            "warnings": self.warnings,
            "complete": self.complete,
        }


def _named(pairs: Sequence[tuple[str, str]]) -> Sequence[Mapping[str, str]]:
    return [{"file": printable(place), "reason": printable(reason)} for place, reason in pairs]


def printable(text: str) -> str:
    """Names on a disk may be any bytes."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
