"""Stores as people and older versions leave them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from pywharf_core import DistributionFile, Refused, Storage

LONG_AGO = 1_600_000_000  # Unix s: 2020-09-13T12:26:40Z


def drop(made: Path, folder: Path) -> Path:
    """Move a distribution into a project's folder, as a person does, and let its time of modification be long ago."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / made.name
    shutil.move(made, target)
    os.utime(target, (LONG_AGO, LONG_AGO))
    return target


def listed(storage: Storage, known: Mapping[str, str] | None = None) -> dict[str, DistributionFile]:
    return {it.filename: it for it in storage.scan(known or {}) if isinstance(it, DistributionFile)}


def refused(storage: Storage) -> dict[str, str]:
    return {it.filename: it.reason for it in storage.scan({}) if isinstance(it, Refused)}
