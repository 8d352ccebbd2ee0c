"""What the parent tells a worker, as one line of JSON in the pipe that is the worker's standard input.

The pipe then stays open and silent: its end tells the worker to finish, be it that the parent closed it or died.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pywharf.settings import ServerSettings

#: The application that a worker serves unless told otherwise: a module and its factory.
APPLICATION = "pywharf.app:create_app"


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerOrders:
    settings: ServerSettings
    listener: int  # file descriptor of the listening socket
    report: int  # file descriptor to which the worker writes one WorkerReport
    hypercorn: Mapping[str, object] = field(default_factory=dict, repr=False)  # may hold the password of a key
    application: str = APPLICATION

    def to_json(self) -> str:
        return json.dumps(
            {
                "settings": self.settings.to_json(),
                "listener": self.listener,
                "report": self.report,
                "hypercorn": dict(self.hypercorn),
                "application": self.application,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> WorkerOrders:
        values = json.loads(text)
        return cls(**values | {"settings": ServerSettings.from_json(values["settings"])})


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerReport:
    """What became of a worker's start."""

    problems: tuple[str, ...] = ()  # sentences; none: it serves

    def to_json(self) -> str:
        return json.dumps({"problems": self.problems})

    @classmethod
    def from_json(cls, text: str) -> WorkerReport:
        return cls(problems=tuple(json.loads(text)["problems"]))
