"""Both texts in, all repositories out, or all problems of both at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from pywharf_core.config.repositories import ReadTable, RepositoryConfiguration, read_repositories
from pywharf_core.config.secrets import read_admin_secrets
from pywharf_core.errors import ConfigurationError
from pywharf_core.plugins import Plugins
from pywharf_core.secret import Secret


def load_configuration(
    config_text: str,
    admin_secret_text: str | None,
    plugins: Plugins,
    *,
    config_source: str = "config.toml",
    admin_secret_source: str = "admin_secret.toml",  # noqa: S107 - a file's name
) -> Mapping[str, RepositoryConfiguration]:
    """Configurations by the repository's name.

    Reads the environment where the texts name variables of it; opens nothing.

    :param admin_secret_text: None: no repository has an admin secret.
    :param config_source: what problems call the first text.
    :param admin_secret_source: what problems call the second text.
    :raises ConfigurationError: with every problem of both texts; none shows a secret.
    """
    problems: list[str] = []
    repositories = read_repositories(config_text, config_source, plugins, problems)
    secrets: Mapping[str, Secret] = {}
    before = len(problems)
    given = (
        "the admin secrets (admin_secret.toml, or --admin_secret)" if admin_secret_text is None else admin_secret_source
    )
    if admin_secret_text is not None:
        secrets = read_admin_secrets(admin_secret_text, admin_secret_source, repositories, config_source, problems)
    if len(problems) == before:
        problems += _without_a_needed_secret(repositories, secrets, config_source, given)
    if problems:
        raise ConfigurationError(problems)
    return {
        name: dataclasses.replace(repository.configuration, admin_secret=secrets.get(name))
        for name, repository in repositories.items()
        if repository.configuration is not None
    }


def _without_a_needed_secret(
    repositories: Mapping[str, ReadTable], secrets: Mapping[str, Secret], config_source: str, admin_secrets: str
) -> Iterator[str]:
    """A problem for each repository whose storage wants a secret, but gets none of its callers."""
    for name, table in repositories.items():
        configuration = table.configuration
        if configuration is None or configuration.auth_type is None or name in secrets:
            continue
        if configuration.storage_type.needs_secret:
            yield (
                f'{config_source}: [{table.written}] auth = "{configuration.auth_type.name}": then the server does everything '
                f"with its admin secret, and there is none; expected a table [{table.written}] in {admin_secrets}, "
                f'with type = "{table.type}" and raw or env'
            )
