"""Errors as the command line tells them: sentences on standard error and an exit status, never a traceback."""

from __future__ import annotations

from typing import IO, Any

import click

from pywharf_core.errors import ConfigurationError, WharfError


class Failure(click.ClickException):
    """``Error: sentence``, exit status 1."""

    exit_code = 1


class WrongConfiguration(click.ClickException):
    """All problems, one per line, exit status 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, file=file, err=file is None)


def failure_of(error: WharfError | OSError) -> click.ClickException:
    """What to show for ``error``."""
    if isinstance(error, ConfigurationError):
        return WrongConfiguration("\n".join(error.problems))
    if isinstance(error, OSError):
        return Failure(f"{error.filename}: {error.strerror}.")
    return Failure(str(error))
