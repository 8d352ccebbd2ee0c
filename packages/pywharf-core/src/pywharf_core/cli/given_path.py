"""A path that a command is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class GivenPath(click.Path):
    """As a ``Path``. An empty one is refused, which would be the working folder: some variable was not set."""

    name = "path"

    def __init__(self, *, file_okay: bool = True) -> None:
        super().__init__(file_okay=file_okay, path_type=Path)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:  # as click declares it
        if value == "":
            self.fail("it is empty; give a path, or . for the working folder.", param, ctx)
        return super().convert(value, param, ctx)
