"""Errors as the command line tells them: sentences on standard error and an exit status, never a traceback."""

from __future__ import annotations

import errno
from typing import IO, Any

import click

from pywharf_core.errors import ConfigurationError, StorageUnavailable, WharfError


class Failure(click.ClickException):
    """``Error: sentence``, exit status 1."""

    exit_code = 1


class WrongConfiguration(click.ClickException):
    """All problems, one per line, exit status 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, file=file, err=file is None)


def failure_of(error: Exception) -> click.ClickException | None:
    """What to show for ``error``; None: nobody foresaw it, or nobody reads any more."""
    if isinstance(error, click.ClickException):
        return error
    if isinstance(error, ConfigurationError):
        return WrongConfiguration("\n".join(error.problems))
    if isinstance(error, WharfError):
        return Failure(told(error))
    if isinstance(error, OSError):
        return _failure_of_system(error)
    if type(error).__module__ == "sqlite3":  # by name: whoever only wants help does not wait for that library
        return Failure(
            f"A database under ROOT cannot be read or written ({error}): is the disk full, or ROOT not writable?"
        )
    return None


def told(error: WharfError) -> str:
    """Its sentence, with the path that the operating system refused: clients are told none, operators need it."""
    sentence, cause = str(error), error.__cause__
    while isinstance(error, StorageUnavailable) and cause is not None:
        if isinstance(cause, OSError) and cause.filename is not None and str(cause.filename) not in sentence:
            return f"{sentence.rstrip('.')} ({cause.filename})."
        cause = cause.__cause__
    return sentence


def _failure_of_system(error: OSError) -> Failure | None:
    if error.errno is None or error.errno == errno.EPIPE:
        return None
    what_to_do = _WHAT_TO_DO.get(error.errno, ".")
    if error.filename is not None:
        return Failure(f"{error.filename}: {error.strerror}{what_to_do}")
    return Failure(f"The operating system does not do what is needed: {error.strerror}{what_to_do}")


_MAKE_ROOM = "; make room, and run the same command again."
_BE_ALLOWED = "; run this as a user who may read and write there."
_WHAT_TO_DO = {
    errno.ENOSPC: _MAKE_ROOM,
    errno.EDQUOT: _MAKE_ROOM,
    errno.EACCES: _BE_ALLOWED,
    errno.EPERM: _BE_ALLOWED,
    errno.EROFS: "; name another place, or make it writable.",
}
