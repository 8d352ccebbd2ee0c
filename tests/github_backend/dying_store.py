"""A repository on which an operation dies before a chosen request that writes: GitHub then hears nothing more of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

from github_fake import FakeGitHub
from pywharf_core import Secret, Storage
from pywharf_github.connection import Connection
from pywharf_github.options import GitHubOptions
from pywharf_github.storage import GitHubStorage


class Died(BaseException):
    """No `except Exception` catches it, and whatever still runs meets it again at its next request."""


class DyingStore:
    """Keeps ``CrashingStore``. For GitHub, a process that died and one that is silent are the same."""

    def __init__(self, fake: FakeGitHub, work: Path, stack: ExitStack) -> None:
        self._name = f"dying-{len(fake.world.repositories)}"
        fake.add_repo("acme", self._name)
        self._token = fake.token(self._name, rights={f"acme/{self._name}": "write"})
        self._api_url = fake.api_url
        self._work = work / self._name
        self._stack = stack

    def open(self) -> Storage:
        options = GitHubOptions(owner="acme", repo=self._name, api_url=self._api_url)
        storage = self._stack.enter_context(closing(GitHubStorage.on(options, self._work)))
        return storage.acting_as(Secret(self._token.value))

    def run(self, operation: Callable[[Storage], object], *, dying_at: int) -> bool:
        return run_dying(lambda: operation(self.open()), dying_at=dying_at)


def run_dying(operation: Callable[[], object], *, dying_at: int) -> bool:
    """Whether ``operation`` died, just before its ``dying_at``-th request that writes."""
    steps = itertools.count(1)
    dead: list[bool] = []
    ask, upload, get = Connection.ask, Connection.upload, Connection.get

    def live(*, writes: bool) -> None:
        if not dead and writes and next(steps) == dying_at:
            dead.append(True)
        if dead:
            raise Died

    def mortal_ask(connection: Connection, secret: Secret | None, verb: str, path: str, **more: Any) -> Any:
        live(writes=verb != "GET")
        return ask(connection, secret, verb, path, **more)

    def mortal_upload(connection: Connection, *args: Any) -> Any:
        live(writes=True)
        return upload(connection, *args)

    def mortal_get(connection: Connection, *args: Any) -> Any:
        live(writes=False)
        return get(connection, *args)

    with (
        patch.object(Connection, "ask", mortal_ask),
        patch.object(Connection, "upload", mortal_upload),
        patch.object(Connection, "get", mortal_get),
    ):
        try:
            operation()
        except Died:
            return True
        return False
