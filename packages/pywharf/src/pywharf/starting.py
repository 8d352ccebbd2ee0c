"""The start of a server: what it serves is read and checked, then said, then served."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import click

from pywharf.listening import is_on_every_address, listen, url_of
from pywharf.logs import configure_logging
from pywharf.serve import serve
from pywharf.settings import ServerSettings
from pywharf_core.config import RepositoryConfiguration, load_configuration
from pywharf_core.configuration_in_force import ConfigurationInForce, NameRules
from pywharf_core.errors import ConfigurationError
from pywharf_core.paste_lines import lines_without_secrets
from pywharf_core.plugins import Plugins
from pywharf_core.root import Root

logger = logging.getLogger(__name__)

Source = tuple[str, str]  # a TOML text, and what problems call it


def start(
    settings: ServerSettings,
    config: Source | None,
    admin_secret: Source | None,
    plugins: Plugins,
    *,
    host: str,
    port: int,
    workers: int,
    hypercorn: Mapping[str, object],
) -> int:
    """Serve until a signal; returns the exit status.

    :raises ConfigurationError: with every problem of what was given, or of what is in force.
    :raises WharfError: the port is taken, or no worker could be started.
    """
    root = Root(Path(settings.root))
    root.make()
    configure_logging(root.log, debug=settings.debug)
    repositories = _configured(root, config, admin_secret, plugins)
    ConfigurationInForce(root).put_name_rules(NameRules(settings.extra_index_url, settings.private))
    if repositories is not None:
        _warn_of_open_names(repositories, settings)
    listener = listen(host, port)
    scheme = "https" if "certfile" in hypercorn else "http"
    url = url_of(listener, scheme=scheme, path_prefix=settings.path_prefix)

    def say_what_is_served() -> None:
        with suppress(BrokenPipeError):  # nobody reads: no reason not to serve
            click.echo(_welcome(url, repositories, everywhere=is_on_every_address(listener)))

    return serve(listener, settings, workers=workers, hypercorn=hypercorn, on_listening=say_what_is_served)


def _configured(
    root: Root, config: Source | None, admin_secret: Source | None, plugins: Plugins
) -> Mapping[str, RepositoryConfiguration] | None:
    """The repositories in force, put in force if they are new; None: never configured."""
    if config is None:
        config = _read(root.config_file)
        admin_secret = admin_secret or (None if config is None else _read(root.admin_secret_file))
    if config is None and admin_secret is not None:
        raise ConfigurationError(
            [f"{admin_secret[1]}: admin secrets are given, but no configuration; give --config too."]
        )
    config_text, config_source = config or (None, "")
    secret_text, secret_source = admin_secret or (None, "")
    given = None
    if config_text is not None:  # what is wrong is never put in force
        given = load_configuration(
            config_text, secret_text, plugins, config_source=config_source, admin_secret_source=secret_source
        )
    in_force = ConfigurationInForce(root).start_with(config_text, secret_text)
    if in_force is None:
        return None
    if in_force.note is not None:
        logger.warning(in_force.note)
    if given is not None and (in_force.config, in_force.admin_secret) == (config_text, secret_text):
        return given
    return load_configuration(
        in_force.config,
        in_force.admin_secret,
        plugins,
        config_source="the configuration in force",
        admin_secret_source="the admin secrets in force",  # noqa: S106 - a name, not a secret
    )


def _read(path: Path) -> Source | None:
    try:
        return path.read_text(encoding="utf-8"), path.name
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{path} cannot be read ({error}); it should be a TOML file."]) from error


def _warn_of_open_names(repositories: Mapping[str, RepositoryConfiguration], settings: ServerSettings) -> None:
    open_ones = [
        name
        for name, repository in repositories.items()
        if (settings.extra_index_url if repository.extra_index_url is None else repository.extra_index_url)
        and not repository.private
        and not settings.private
    ]
    if open_ones:
        logger.warning(
            "projects that are not here are looked for in the extra index, and no name is declared private: "
            "declare yours (private, or --private), so that a stranger's project of that name is never installed",
            extra={"repositories": ", ".join(open_ones)},
        )


def _welcome(url: str, repositories: Mapping[str, RepositoryConfiguration] | None, *, everywhere: bool) -> str:
    lines = [f"listening on {url}"]
    if everywhere:
        lines.append("and on every other address of this machine; --host 127.0.0.1 is for this machine alone")
    if repositories is None:
        lines.append("no configuration yet; give one with:")
        lines.append(f"    curl -F config=@config.toml -F admin_secret=@admin_secret.toml {url}/initialize/")
    for name, repository in (repositories or {}).items():
        lines += ["", f"{name}:", *(f"    {line}" for line in lines_without_secrets(repository, url))]
    return "\n".join(lines)
