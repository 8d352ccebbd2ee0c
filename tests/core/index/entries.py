"""Entries of indexes, made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from pywharf_core.filenames import normalise
from pywharf_core.index.content import Content, Tombstone
from pywharf_core.index.local import LocalIndex
from pywharf_core.model import DistributionFile, ProjectState, ProjectStatus
from pywharf_core.testing.storage_contract import HOSTILE


def entry(number: int = 1, project: str = "holygrail", **changes: Any) -> DistributionFile:
    made = DistributionFile(
        filename=f"{project}-{number}.0-py3-none-any.whl",
        project=normalise(project),
        version=f"{number}.0",
        packagetype="bdist_wheel",
        size=1000 + number,
        hashes={"sha256": f"{number:064x}"},
        upload_time=datetime(2026, 1, 1, 12, 0, 0, number, UTC),
        core_metadata={"name": project, "classifiers": ("a", "b")},
        storage_id=f"{project}:{number}",
        fingerprint=f"f{number}",
    )
    return replace(made, **changes)


texts = st.one_of(st.just(HOSTILE), st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
_names = st.sampled_from(["holygrail", "swallow", "a-b", "it-s"]).map(normalise)
_fields = st.dictionaries(st.sampled_from(["summary", "license", "author"]), texts | st.lists(texts).map(tuple))

files = st.builds(
    lambda number, project, **changes: entry(number, project, **changes),
    st.integers(1, 999),
    _names,
    yanked=st.none() | texts,
    comment=st.none() | texts.filter(bool),
    core_metadata=st.none() | _fields,
    requires_python=st.none() | texts.filter(bool),
    fingerprint=texts,
    counter=st.integers(0, 5),
)
tombstones = st.builds(
    lambda number, project: Tombstone(
        storage_id=f"{project}:{number}", filename=f"{project}-{number}.0.whl", sha256="0" * 64, project=project
    ),
    st.integers(1, 999),
    _names,
)
states = st.builds(
    ProjectState, name=_names, status=st.sampled_from(ProjectStatus), reason=st.none() | texts, reserved=st.booleans()
)
contents = st.builds(
    lambda files, dead, states: Content(
        files={file.storage_id: file for file in files if file.storage_id not in {it.storage_id for it in dead}},
        deleted={it.storage_id: it for it in dead},
        projects={state.name: state for state in states},
    ),
    st.lists(files, max_size=6),
    st.lists(tombstones, max_size=4),
    st.lists(states, max_size=4),
)


def put(index: LocalIndex, *files: DistributionFile) -> None:
    with index.changing() as change:
        for file in files:
            change.put_file(file)


def published(
    name: str, version: str = "1.0", summary: str = "", *, day: int = 1, **changes: object
) -> DistributionFile:
    """A wheel, uploaded on that day."""
    metadata = {"name": name, "version": version} | ({"summary": summary} if summary else {})
    return replace(
        entry(project=normalise(name)),
        filename=f"{normalise(name).replace('-', '_')}-{version}-py3-none-any.whl",
        version=version,
        **{"core_metadata": metadata, "upload_time": datetime(2026, 1, day, 12, tzinfo=UTC), **changes},  # type: ignore[arg-type]  # fields of many types
    )


#: Files of ``grail``, of versions that collide and compare in many ways.
publications = st.lists(
    st.builds(
        lambda version, yanked, day: published("grail", version, f"Of {version}", day=day, yanked=yanked),
        st.sampled_from(["1.0", "1.0.0", "1.1", "1.10", "1.2rc1", "2.0.dev1", "2.0", "1!0.1"]),
        st.none() | st.just("bad"),
        st.integers(1, 28),
    ),
    max_size=8,
)
