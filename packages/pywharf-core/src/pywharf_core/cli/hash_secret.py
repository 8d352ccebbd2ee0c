"""``pywharf hash_secret``."""

from __future__ import annotations

import click

from pywharf_core.cli.failure import Failure
from pywharf_core.secret_parameter import read_secret

_EPILOG = """Examples:

\b
pywharf hash_secret
pywharf hash_secret < secret.txt
"""


@click.command("hash_secret", epilog=_EPILOG)
def hash_secret() -> None:
    """Print the hashed form of a secret.

    It goes into the configuration as read_secret_hash or write_secret_hash. The secret is the first line of standard
    input; on a terminal it is asked for without echo.
    """
    secret = read_secret("secret", twice=True)
    if not secret.reveal():
        raise Failure("There was no secret on standard input; give it as one line.")
    click.echo(secret.hashed())
