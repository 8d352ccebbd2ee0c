"""The tables of ``--admin_secret``: the secret with which the server itself works on each repository."""

from __future__ import annotations

from collections.abc import Mapping

from pywharf_core.config.repositories import ReadTable
from pywharf_core.config.toml_table import TomlTable, parse_tables
from pywharf_core.config.values import is_secret_text
from pywharf_core.config.wording import nearest
from pywharf_core.secret import Secret


def read_admin_secrets(
    text: str, source: str, repositories: Mapping[str, ReadTable], config_source: str, problems: list[str]
) -> Mapping[str, Secret]:
    """Admin secrets by lower-case name of the repository; what is wrong is appended to ``problems``."""
    secrets: dict[str, Secret] = {}
    seen: dict[str, str] = {}
    for table in parse_tables(text, source, problems).values():
        name = table.name.lower()
        if name in seen:
            table.problem(f"is the same repository as [{seen[name]}]: names are kept lower-case")
            continue
        seen[name] = table.name
        if name not in repositories and repositories:
            table.problem(f"{config_source} has no such repository{nearest(name, repositories)}")
        _check_type(table, repositories.get(name), config_source)
        secret = _secret(table)
        table.close()
        if secret is not None:
            secrets[name] = secret
    return secrets


def _check_type(table: TomlTable, repository: ReadTable | None, config_source: str) -> None:
    found = table.raw("type")
    right = repository.type if repository is not None else None
    if found is None:
        table.problem(f"type: missing; expected the one in {config_source}" + (f', "{right}"' if right else ""))
    elif right is not None and found != right:
        table.wrong("type", f'"{right}", as in {config_source}')
    elif not isinstance(found, str):
        table.wrong("type", f"the one in {config_source}")


def _secret(table: TomlTable) -> Secret | None:
    raw = table.raw("raw")
    env = table.raw("env")
    if (raw is None) == (env is None):
        found = "both are given" if raw is not None else "neither is given"
        table.problem(f"raw, env: {found}; expected the secret as raw, or the name of an environment variable as env")
        return None
    if env is not None:
        return table.from_environment("env")
    if not is_secret_text(raw):
        table.problem("raw: expected a text in quotes, not empty, without control characters")
        return None
    return Secret(raw)
