"""A command of pywharf, run in this process."""

from __future__ import annotations

from click.testing import CliRunner, Result

import pywharf_github.plugin
from pywharf_core.cli.root import make_root
from pywharf_core.plugins import Plugins
from pywharf_core.secret import Secret

PLUGINS = Plugins.of(pywharf_github.plugin)


def run(*arguments: object, stdin: str | None = None, **environment: str | None) -> Result:
    """Its result; an unexpected error is the test's."""
    words = [argument.reveal() if isinstance(argument, Secret) else str(argument) for argument in arguments]
    clean = dict.fromkeys(("GITHUB_API_URL", "GITHUB_TOKEN", "PYWHARF_TOKEN", "PYWHARF_ROOT"))
    result = CliRunner(env={**clean, **environment}).invoke(make_root(PLUGINS), words, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
