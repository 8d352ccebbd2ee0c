"""Storages as several servers have them: each its own connections, memory and working folder."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from github_fake import Token
from pywharf_core import Secret
from pywharf_github.connection import Timeouts
from pywharf_github.options import GitHubOptions
from pywharf_github.storage import GitHubStorage

#: So that a stall is over soon.
IMPATIENT = Timeouts(connect=5, api=5, transfer=5)


class Opened:
    """Opens storages on `acme/packages`, and closes them all at the end of the test."""

    def __init__(self, options: GitHubOptions, work: Path, now: Callable[[], datetime], closing_: ExitStack) -> None:
        self._options = options
        self._work = work
        self._now = now
        self._closing = closing_
        self._numbers = itertools.count()

    @classmethod
    @contextmanager
    def on(cls, api_url: str, work: Path, now: Callable[[], datetime]) -> Iterator[Opened]:
        with ExitStack() as stack:
            yield cls(GitHubOptions(owner="acme", repo="packages", api_url=api_url), work, now, stack)

    def storage(
        self, token: Token | None, *, work: Path | None = None, timeouts: Timeouts = IMPATIENT, **options: Any
    ) -> GitHubStorage:
        """A server's storage, acting with ``token``.

        :param work: None: one of its own.
        :param options: fields of ``GitHubOptions``; ``Any``, as each has its own type.
        """
        made = GitHubStorage.on(
            replace(self._options, **options),
            work or self._work / str(next(self._numbers)),
            timeouts=timeouts,
            now=self._now,
            clock=lambda: self._now().timestamp(),
        )
        self._closing.enter_context(closing(made))
        return made.acting_as(None if token is None else Secret(token.value))
