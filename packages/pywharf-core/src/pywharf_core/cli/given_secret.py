"""A secret that a command is given: by a flag, on standard input, or by the name of an environment variable."""

from __future__ import annotations

import os

import click

from pywharf_core.config.values import is_secret_text
from pywharf_core.secret import Secret


def given_secret(secret: Secret | None, variable: str | None) -> Secret | None:
    if variable is None:
        return secret
    if secret is not None:
        raise click.UsageError("--secret and --secret_env exclude each other; give one of them.")
    value = os.environ.get(variable)
    if not is_secret_text(value):
        # The variable's name is not shown: people put the secret itself there.
        raise click.UsageError("--secret_env: the environment variable that it names is not set, or holds no secret.")
    assert value is not None
    return Secret(value)
