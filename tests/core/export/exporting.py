"""Exports as tests want them: repositories on three kinds of storage, and a way to look at what was written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pywharf_core.clock import Clock
from pywharf_core.export.forms import ExportForm, FilesForm, SimpleForm
from pywharf_core.export.report import ExportReport
from pywharf_core.export.run import Export, ExportOptions
from pywharf_core.repository import Repository

MakeRepository = Callable[[], Repository]


def export(repository: Repository, folder: Path, **options: Any) -> ExportReport:
    """As ``pywharf export`` does it; ``options`` of ``ExportOptions``, each of its own type."""
    return _run(repository, folder, FilesForm(), options)


def export_simple(repository: Repository, folder: Path, *, base_url: str | None = None, **options: Any) -> ExportReport:
    """As ``pywharf export --simple`` does it."""
    return _run(repository, folder, SimpleForm(repository.namespaces, base_url), options)


def _run(repository: Repository, folder: Path, form: ExportForm, options: Mapping[str, Any]) -> ExportReport:
    work = Export(repository, folder, form, ExportOptions(**options), Clock())
    work.prepare()
    work.run(lambda: None)
    return work.report()


def written(folder: Path) -> dict[str, bytes]:
    """Content by path of all files of an export but the marker and the lock, which say nothing of packages."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return {name: content for name, content in files.items() if "pywharf-export" not in name}


def document(folder: Path, project: str) -> dict[str, Any]:
    """What an export says of a project."""
    found: dict[str, Any] = json.loads((folder / project / "index.json").read_bytes())
    return found


def is_complete(folder: Path) -> bool:
    return bool(json.loads((folder / "pywharf-export.json").read_bytes())["complete"])
