"""What this distribution brings to pywharf: the storage type ``github``, and the commands ``pywharf github …``."""

from __future__ import annotations

from collections.abc import Sequence

import click

from pywharf_core import StorageType, hookimpl
from pywharf_github.commands import github
from pywharf_github.storage import GitHubStorageType


@hookimpl
def pywharf_storage_types() -> Sequence[type[StorageType]]:
    return [GitHubStorageType]


@hookimpl
def pywharf_commands() -> Sequence[click.Command]:
    return [github]
