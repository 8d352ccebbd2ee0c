"""Every client times every scenario."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from clients.matrix import installing, publishing
from clients.matrix.bench import Bench, Finding
from clients.matrix.client import Client, Installer, Publisher
from clients.matrix.desk import Desk
from clients.matrix.environments import Tool
from clients.matrix.tools.flit import Flit
from clients.matrix.tools.hatch import Hatch
from clients.matrix.tools.pdm import Pdm
from clients.matrix.tools.pip import OldPip, Pip
from clients.matrix.tools.pipenv import Pipenv
from clients.matrix.tools.poetry import Poetry
from clients.matrix.tools.twine import OldTwine, Twine
from clients.matrix.tools.uv import Uv

#: In the order of the page.
PUBLISHERS: Sequence[type[Publisher]] = (Twine, OldTwine, Uv, Poetry, Pdm, Hatch, Flit)
INSTALLERS: Sequence[type[Installer]] = (Pip, OldPip, Uv, Poetry, Pdm, Pipenv)

_PUBLISHING = publishing.scenarios()
_INSTALLING = installing.scenarios()


class Side(StrEnum):
    """What a client is asked for."""

    PUBLISH = "publish"
    INSTALL = "install"


@dataclass(frozen=True)
class Cell:
    """:ivar scenario: its key."""

    side: Side
    kind: type[Client]
    scenario: str

    def __str__(self) -> str:
        words = f"{self.kind.key} {self.side} {self.scenario}".lower()
        return "-".join(re.findall("[a-z0-9]+", words))

    @property
    def cannot(self) -> str | None:
        """Why it does not work; None: it does."""
        known: Mapping[str, str] = {}
        if self.side is Side.PUBLISH and issubclass(self.kind, Publisher):
            known = self.kind.cannot_publish
        elif issubclass(self.kind, Installer):
            known = self.kind.cannot_install
        return known.get(self.scenario)

    @property
    def runs_here(self) -> bool:
        """Whether there is this client for the Python of this run."""
        newest = self.kind.newest_python
        return newest is None or sys.version_info[:2] <= newest

    def run(self, bench: Bench, tool: Tool) -> Finding:
        desk = Desk(bench.folder / str(self), tool)
        client = self.kind(tool)
        if self.side is Side.PUBLISH:
            assert isinstance(client, Publisher)
            return _PUBLISHING[self.scenario](bench, client, desk)
        assert isinstance(client, Installer)
        return _INSTALLING[self.scenario](bench, client, desk)


def cells(side: Side) -> Sequence[Cell]:
    match side:
        case Side.PUBLISH:
            return [Cell(side, kind, key) for kind in PUBLISHERS for key in _PUBLISHING]
        case Side.INSTALL:
            return [Cell(side, kind, key) for kind in INSTALLERS for key in _INSTALLING]
