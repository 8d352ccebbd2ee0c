"""A fresh look at the storage before an export, and what was lost since the last one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pywharf_core.chosen_projects import Chosen
from pywharf_core.export.report import Problem
from pywharf_core.repository import Repository


def brought_up_to_date(repository: Repository, chosen: Chosen) -> Sequence[Problem]:
    """Look at the storage afresh, and say which files it lost since the last look, without anybody having deleted them.

    :raises StorageUnavailable: it cannot be read.
    """
    before = _contents(chosen)
    repository.synchronise()
    after = _contents(chosen)
    problems = []
    with repository.index.reading() as snapshot:
        for filename, sha256 in before.items():
            now = after.get(filename)
            if now is None and snapshot.tombstone(filename) is None and snapshot.file(filename) is None:
                problems.append(Problem(filename, f"{filename} was listed, but the storage no longer has it."))
            elif now is not None and now != sha256:
                problems.append(
                    Problem(filename, f"{filename} has other content in the storage now than the one that was listed.")
                )
    return problems


def _contents(chosen: Chosen) -> Mapping[str, str]:
    """sha256 by filename."""
    found: dict[str, str] = {}
    for project in chosen.projects():
        found.update((file.filename, file.sha256) for file in project.files)
    return found
