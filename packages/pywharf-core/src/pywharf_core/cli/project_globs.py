"""The flag ``--project``, of commands that work on all projects of a repository or on some."""

from __future__ import annotations

from collections.abc import Sequence

import click

from pywharf_core.config.values import is_project_glob


def _checked(context: click.Context, parameter: click.Parameter, globs: Sequence[str]) -> Sequence[str]:
    del context, parameter
    for glob in globs:
        if not is_project_glob(glob):
            raise click.UsageError(f"--project {glob!r} is neither the name of a project nor a glob such as 'acme-*'.")
    return globs


#: Gives a command the argument ``projects``: globs that can cover names; none: all projects.
PROJECT_FLAG = click.option(
    "--project",
    "projects",
    metavar="GLOB",
    multiple=True,
    callback=_checked,
    help="Only this project, or these: 'acme-*'. May be given several times.",
)
