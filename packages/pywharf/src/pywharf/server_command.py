"""The command ``pywharf server``: its flags. Whatever is slow to import waits until the command runs."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from pywharf_core.plugins import Plugins

_EPILOG = """Examples:

\b
pywharf server ROOT
pywharf server ROOT --private 'acme-*' --host 127.0.0.1 --port 8080
pywharf server ROOT --workers 4 --trusted_proxy 10.0.0.0/8
"""


@click.command("server", epilog=_EPILOG)
@click.argument("root", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--config", metavar="PATH", help="The repositories, as TOML; `-`: standard input. [default: ROOT/config.toml]"
)
@click.option("--admin_secret", metavar="PATH", help="The secrets with which the server itself synchronises, as TOML.")
@click.option(
    "--config_or_admin_secret_can_be_text",
    is_flag=True,
    help="--config and --admin_secret may hold the TOML itself instead of a path.",
)
@click.option("--auth_read_expires", type=click.FloatRange(min=0), default=3600, show_default=True,
              help="Seconds for which a verified right to read is trusted.")  # fmt: skip
@click.option("--auth_write_expires", type=click.FloatRange(min=0), default=300, show_default=True,
              help="Seconds for which a verified right to write is trusted.")  # fmt: skip
@click.option("--extra_index_url", metavar="URL", default=None,
              help="Where to send whoever asks for a project that is not here; empty: nowhere. "
              "[default: PyPI's simple index]")  # fmt: skip
@click.option("--private", metavar="GLOB", multiple=True,
              help="Project names never asked of the extra index, in all repositories; repeatable.")  # fmt: skip
@click.option("--host", default="0.0.0.0", show_default=True, help="The address to listen on; `::` takes IPv4 too.")  # noqa: S104 - the contract's default
@click.option("--port", type=click.IntRange(0, 65535), default=8888, show_default=True,
              help="The port to listen on; 0 takes a free one.")  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that serve.")
@click.option("--grace", type=click.FloatRange(min=0), default=30, show_default=True,
              help="Seconds to finish what is in flight at a stop.")  # fmt: skip
@click.option("--allow_open_initialize", is_flag=True,
              help="Let anybody replace the configuration through POST /initialize/.")  # fmt: skip
@click.option("--trusted_proxy", "trusted_proxies", metavar="ADDRESS", multiple=True,
              help="An address or network of reverse proxies whose X-Forwarded-* headers are believed; "
              "repeatable.")  # fmt: skip
@click.option("--metrics_from", metavar="ADDRESS", multiple=True,
              help="An address or network that may read /metrics without a secret; repeatable.")  # fmt: skip
@click.option("--path_prefix", default="", metavar="PATH",
              help="The path under which a reverse proxy shows the server, if it does not send "
              "X-Forwarded-Prefix.")  # fmt: skip
@click.option("--hypercorn", "hypercorn_pairs", metavar="KEY=VALUE", multiple=True,
              help="Any other setting of Hypercorn, such as keep_alive_timeout=10; repeatable.")  # fmt: skip
@click.option("--hypercorn_config", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Settings of Hypercorn, as TOML.")  # fmt: skip
@click.option("--debug", is_flag=True, help="Log more, requests on the terminal included.")
@click.pass_context
def server(
    context: click.Context,
    root: Path,
    config: str | None,
    admin_secret: str | None,
    config_or_admin_secret_can_be_text: bool,
    auth_read_expires: float,
    auth_write_expires: float,
    extra_index_url: str | None,
    private: tuple[str, ...],
    host: str,
    port: int,
    workers: int,
    grace: float,
    allow_open_initialize: bool,
    trusted_proxies: tuple[str, ...],
    metrics_from: tuple[str, ...],
    path_prefix: str,
    hypercorn_pairs: tuple[str, ...],
    hypercorn_config: Path | None,
    debug: bool,
) -> None:
    """Serve the package repositories of ROOT until Ctrl-C or SIGTERM.

    Without --config, ROOT/config.toml and ROOT/admin_secret.toml are used if they exist; without any configuration the
    server waits for one at POST /initialize/.
    """
    # Until `serve` listens to signals itself: a stop in the middle of the start is a stop like any other.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    # Imported here: `pywharf --help` and the other commands start without a server's libraries.
    from pywharf.forwarded import read_networks, read_prefix
    from pywharf.hypercorn_settings import HypercornSettingError, read_settings
    from pywharf.settings import ServerSettings
    from pywharf.starting import start
    from pywharf_core.config.values import is_project_glob

    plugins = context.ensure_object(Plugins)
    for glob in private:
        if not is_project_glob(glob):
            raise click.UsageError(f"--private {glob!r}: expected a project name or a glob of them, such as acme-*")
    for flag, addresses in (("--trusted_proxy", trusted_proxies), ("--metrics_from", metrics_from)):
        try:
            read_networks(addresses)
        except ValueError as error:
            raise click.UsageError(f"{flag} {error}") from error
    try:
        hypercorn = read_settings(hypercorn_pairs, hypercorn_config)
    except HypercornSettingError as error:
        raise click.UsageError(str(error)) from error
    given_config = _text(config, "--config", can_be_text=config_or_admin_secret_can_be_text)
    given_secret = _text(admin_secret, "--admin_secret", can_be_text=config_or_admin_secret_can_be_text)
    settings = ServerSettings(
        root=str(root.absolute()),
        auth_read_expires=auth_read_expires,
        auth_write_expires=auth_write_expires,
        extra_index_url=_default_extra_index_url() if extra_index_url is None else extra_index_url.strip(),
        private=private,
        allow_open_initialize=allow_open_initialize,
        trusted_proxies=trusted_proxies,
        metrics_from=metrics_from,
        path_prefix=read_prefix(path_prefix),
        grace=grace,
        debug=debug,
    )
    context.exit(
        start(settings, given_config, given_secret, plugins, host=host, port=port, workers=workers, hypercorn=hypercorn)
    )


def _text(value: str | None, flag: str, *, can_be_text: bool) -> tuple[str, str] | None:
    """The TOML that a flag stands for, and what problems call it."""
    if value is None:
        return None
    if value == "-":
        return sys.stdin.read(), "standard input"
    try:
        if can_be_text and not Path(value).is_file():
            return value, flag
        return Path(value).read_text(encoding="utf-8"), value
    except (OSError, ValueError) as error:
        if can_be_text:  # too long for a path, or with a NUL
            return value, flag
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        hint = "" if "\n" not in value else "; TOML itself needs --config_or_admin_secret_can_be_text"
        shown = repr(value) if "\n" not in value else "the given text"  # it may hold secrets
        raise click.UsageError(f"{flag} {shown} cannot be read: {reason}{hint}") from error


def _default_extra_index_url() -> str:
    # Some 30 MiB of libraries come along, so only this process imports it, and only when it is needed.
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    return PYPI_SIMPLE_ENDPOINT
