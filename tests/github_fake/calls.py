"""What was asked, so that a test can count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from github_fake.contract import contract


@dataclass(frozen=True)
class Call:
    """:ivar operation: `POST /repos/{owner}/{repo}/releases`, or `GET storage`.
    :ivar token: the name of the token, if there was a known one.
    :ivar status: None: no answer was sent.
    """

    operation: str
    method: str
    target: str
    token: str | None
    status: int | None


@dataclass
class Calls:
    """In the order of their answers."""

    made: list[Call] = field(default_factory=list)

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self.made))

    def __len__(self) -> int:
        """All, free ones and those to the storage host included."""
        return len(self.made)

    @property
    def operations(self) -> list[str]:
        return [call.operation for call in self]

    @property
    def charged(self) -> int:
        """Those that cost something of the hourly allowance."""
        free = {"GET /rate_limit"}
        return sum(
            call.status != 304 and call.operation not in free and not call.operation.endswith(" storage")
            for call in self
        )

    def count(self, name: str) -> int:
        """:param name: as `Faults.next` takes it."""
        wanted = operation_name(name)
        return sum(call.operation == wanted for call in self)

    def counts(self) -> Counter[str]:
        return Counter(self.operations)

    def clear(self) -> None:
        self.made.clear()

    @contextmanager
    def during(self) -> Iterator[Calls]:
        """Those inside the block, to be read after it.

        >>> with fake.calls.during() as calls: storage.publish(...)
        >>> assert len(calls) == 3
        """
        first, inside = len(self.made), Calls()
        yield inside
        inside.made.extend(self.made[first:])


def operation_name(name: str) -> str:
    """The operation as `Call` names it.

    :param name: ``POST /repos/{o}/{r}/releases`` whatever the braces hold, the operation's id, or `GET storage`.
    :raises KeyError: when there is no such operation.
    """
    if name == "*" or name.endswith(" storage"):
        return name
    return contract().named(name).name
