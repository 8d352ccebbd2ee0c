"""The console script: plugins, arguments from the command line or the environment, and one exit status."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping, Sequence

import click

from pywharf_core.cli.environment_mode import arguments_from
from pywharf_core.cli.failure import failure_of
from pywharf_core.cli.root import make_root
from pywharf_core.errors import WharfError
from pywharf_core.plugins import load_plugins

_INTERRUPTED = 130  # 128 + SIGINT, as shells say it
_COMPLETION = "_PYWHARF_COMPLETE"


def main() -> None:
    """Run what ``sys.argv`` or, without arguments, the environment says, and exit with its status."""
    try:
        status = run(sys.argv[1:], os.environ)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        status = 1
    sys.exit(status)


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """The exit status: 0, 1 (failed), 2 (usage, configuration), 130 (interrupted)."""
    try:
        plugins = load_plugins()
        root = make_root(plugins)
        if _COMPLETION not in environment:
            for warning in plugins.warnings:
                click.echo(f"Warning: {warning}", err=True)
            if not arguments:
                arguments = arguments_from(environment, root)
        status = root.main(list(arguments), prog_name="pywharf", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except WharfError as error:
        failure = failure_of(error)
        failure.show()
        return failure.exit_code
    except click.Abort as error:
        if isinstance(error.__cause__, EOFError):
            click.echo("Error: The input ended where an answer was needed.", err=True)
            return 1
        return _INTERRUPTED
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise BrokenPipeError from error
        raise
    return status if isinstance(status, int) else 0


def _discard_output() -> None:
    """Nobody reads any more: keep the interpreter from complaining when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
