"""The console script: plugins, arguments from the command line or the environment, and one exit status."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

import click

from pywharf_core.cli.environment_mode import arguments_from
from pywharf_core.cli.failure import failure_of
from pywharf_core.cli.json_flag import print_json_error
from pywharf_core.cli.root import make_root
from pywharf_core.cli.stopping import EndedBySignal
from pywharf_core.errors import WharfError
from pywharf_core.plugins import load_plugins

_INTERRUPTED = 130  # 128 + SIGINT, as shells say it
_STANDARD_ERROR = 2  # the highest number of the three
_COMPLETION = "_PYWHARF_COMPLETE"


def main() -> None:
    """Run what ``sys.argv`` or, without arguments, the environment says, and exit with its status."""
    _open_streams()
    try:
        status = run(sys.argv[1:], os.environ)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        status = 1
    except OSError as error:  # such as of a disk that is full, to which the output goes
        if (failure := failure_of(error)) is None:
            raise
        _discard_output()
        with suppress(OSError):  # it may be the disk to which errors go
            failure.show()
        status = failure.exit_code
    sys.exit(status)


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """The exit status: 0, 1 (failed), 2 (usage, configuration), 130 (interrupted), 143 (terminated)."""
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
    except WharfError as error:  # before there are commands
        failure = failure_of(error)
        assert failure is not None, "there is a sentence for each error of ours"
        print_json_error(arguments, failure)
        failure.show()
        return failure.exit_code
    except click.Abort as error:
        if isinstance(error.__cause__, EOFError):
            click.echo("Error: The input ended where an answer was needed.", err=True)
            return 1
        return _interrupted(error.__cause__)
    except KeyboardInterrupt as error:
        return _interrupted(error)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise BrokenPipeError from error
        raise
    return status if isinstance(status, int) else 0


def _interrupted(by: BaseException | None) -> int:
    return by.status if isinstance(by, EndedBySignal) else _INTERRUPTED


def _open_streams() -> None:
    """Whoever started us may have closed some: no file that is opened now may get their number, and be written to."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - likewise
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - likewise


def _discard_output() -> None:
    """Nobody reads any more: keep the interpreter from complaining when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
