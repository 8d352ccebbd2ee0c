"""Both texts in, all repositories out, or all problems of both at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from pywharf_core.config.repositories import RepositoryConfiguration, read_repositories
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
    if admin_secret_text is not None:
        secrets = read_admin_secrets(admin_secret_text, admin_secret_source, repositories, config_source, problems)
    if problems:
        raise ConfigurationError(problems)
    return {
        name: dataclasses.replace(repository.configuration, admin_secret=secrets.get(name))
        for name, repository in repositories.items()
        if repository.configuration is not None
    }
