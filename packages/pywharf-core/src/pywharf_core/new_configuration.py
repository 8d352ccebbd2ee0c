"""The first configuration of a ROOT: two files that only their owner can read, and that replace nothing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pywharf_core.errors import WharfError
from pywharf_core.root import Root


def check_no_configuration(path: Path) -> None:
    """
    :raises WharfError: the ROOT has a configuration.
    """
    root = Root(path)
    for file in (root.config_file, root.admin_secret_file):
        if file.exists() or file.is_symlink():
            raise _already_there(file)


def write_new_configuration(path: Path, config: str, admin_secret: str) -> None:
    """Make the ROOT ``path`` and write both files: each whole or not at all, durable.

    :raises WharfError: it has a configuration, or cannot be made.
    """
    check_no_configuration(path)
    root = Root(path)
    root.make()
    _write_new(root.admin_secret_file, admin_secret)  # first: where config.toml is, both are
    _write_new(root.config_file, config)


def _write_new(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".init-")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError as error:
            raise _already_there(path) from error
    finally:
        os.unlink(temporary)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _already_there(path: Path) -> WharfError:
    return WharfError(f"{path} exists already and is not overwritten; remove it, or choose another ROOT.")
