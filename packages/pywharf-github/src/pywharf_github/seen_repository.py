"""What GitHub says of the repository, as far as it matters here; and whether it is still the one that this ROOT knows."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pywharf_core import StorageUnavailable, toml_text
from pywharf_github.answers import Answer, broken_promise

_LOG = logging.getLogger(__name__)

FILENAME = "github_repository.toml"
_FRESH_FOR = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class SeenRepository:
    """:ivar id: GitHub's number, which a renamed repository keeps and another one of the old name does not have.
    :ivar private: internal ones are, too.
    :ivar may_push: the token's user may; whatever the token was granted.
    """

    id: int
    full_name: str
    private: bool
    archived: bool
    default_branch: str
    may_push: bool

    @classmethod
    def read(cls, answer: Answer) -> SeenRepository:
        """From the answer to ``GET /repos/OWNER/REPO``.

        :raises StorageUnavailable: it is not the document that GitHub promises; nothing follows from it then.
        """
        data = answer.data
        if not isinstance(data, Mapping):
            raise broken_promise()
        permissions = data.get("permissions", {})
        if not isinstance(permissions, Mapping):
            raise broken_promise()
        return cls(
            id=_value(data, "id", int),
            full_name=_value(data, "full_name", str),
            private=_value(data, "private", bool),
            archived=_value(data, "archived", bool, False),
            default_branch=_value(data, "default_branch", str),
            may_push=any(_value(permissions, role, bool, False) for role in ("push", "maintain", "admin")),
        )


def _value(data: Mapping[str, Any], name: str, form: type, default: object = None) -> Any:  # of type ``form``
    value = data.get(name, default)
    if type(value) is not form:
        raise broken_promise()
    return value


class RepositoryIdentity:
    """Which GitHub repository stands behind the configured name; remembered under ROOT at the first contact.

    Whoever gives the old name of a renamed or deleted repository to another one would else decide who reads here.
    Safe from many threads and processes.

    :param work: the repository's working folder.
    :param name: ``owner/repo``, as configured.
    :param clock: seconds that only rise.
    """

    def __init__(self, work: Path, api_url: str, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: SeenRepository | None = None
        self._seen_at = -math.inf
        self._path = work / FILENAME
        self._where = (api_url.rstrip("/").lower(), name.lower())
        self._name = name
        self._lock = threading.Lock()
        self._known: int | None = None

    def known(self) -> int | None:
        """The number; None: there was no contact yet."""
        if self._known is None:
            self._known = self._remembered()
        return self._known

    def seen_a_moment_ago(self) -> SeenRepository | None:
        """What was found to be the one that it has to be; None: that was longer ago."""
        return self._seen if self._clock() - self._seen_at < _FRESH_FOR else None

    def check(self, seen: SeenRepository) -> None:
        """Return if it is the one that this ROOT knows; the first one is.

        :raises StorageUnavailable: it is another one.
        """
        if seen.id == self.known():
            self._seen, self._seen_at = seen, self._clock()
            return
        with self._lock:
            self._known = self._remembered()  # the operator may have removed it: then this one is meant
            if self._known is None:
                self._remember(seen.id)
                self._known = seen.id
        if seen.id == self._known:
            self._seen, self._seen_at = seen, self._clock()
        else:
            self._seen = None
            raise StorageUnavailable(
                f"The GitHub repository {self._name} is another one than before: the one that this server knows was renamed "
                f"or deleted, and its name given to this one (number {seen.id}, not {self._known}). Write the name that it "
                f"has now into the configuration; or, if the new one is meant, remove this repository's {FILENAME} under "
                "ROOT/cache."
            )

    def _remembered(self) -> int | None:
        for entry in self._all():
            if (entry["api_url"], entry["name"]) == self._where:
                return int(entry["id"])
        return None

    def _all(self) -> Sequence[Mapping[str, Any]]:
        try:
            document = toml_text.loads(self._path.read_text(encoding="utf-8"))
            return [{"api_url": it["api_url"], "name": it["name"], "id": int(it["id"])} for it in document["known"]]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except (ValueError, KeyError, TypeError) as error:
            raise StorageUnavailable(
                f"The repository's {FILENAME} under ROOT/cache is damaged; remove it if {self._name} is the right GitHub "
                "repository."
            ) from error
        except OSError as error:
            raise StorageUnavailable(f"The repository's {FILENAME} under ROOT/cache cannot be read now.") from error

    def _remember(self, number: int) -> None:
        api_url, name = self._where
        entries = [*self._all(), {"api_url": api_url, "name": name, "id": number}]
        part = self._path.with_name(f".{self._path.name}.{os.getpid()}.{threading.get_ident()}.part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8") as stream:
                stream.write(toml_text.dumps({"known": entries}))
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(self._path)
        except OSError as error:  # then it is remembered as long as this process lives
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            _LOG.warning("the GitHub repository's number cannot be written down", extra={"error": str(error)})
