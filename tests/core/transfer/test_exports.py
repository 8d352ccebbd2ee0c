"""What ``pywharf export`` wrote comes back by ``pywharf import`` as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.transfer.desk import Desk, named
from pywharf_core import changes
from pywharf_core.filenames import normalise
from pywharf_core.model import DistributionFile, ProjectStatus
from pywharf_core.names import Answerer
from pywharf_core.testing import make_upload

PROVENANCE = b'{"version": 1}'
WHEEL = "holygrail-1.0-py3-none-any.whl"


@pytest.fixture
def exported(desk: Desk, tmp_path: Path) -> Path:
    """An export of ``local``."""
    with desk.open() as repositories:
        local = repositories["local"]
        local.synchronise()
        long_ago = datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
        made = make_upload(tmp_path / "a", upload_time=long_ago, provenance=PROVENANCE, comment="by hand")
        changes.publish(local, *made)
        for project in ("swallow", "gone", "malware"):
            changes.publish(local, *make_upload(tmp_path / project, project, "1.0", sdist=True))
        changes.yank(local, normalise("swallow"), "1.0", "Loses data")
        changes.delete(local, normalise("gone"), version="1.0")
        changes.set_status(local, normalise("malware"), ProjectStatus.QUARANTINED)
        changes.set_status(local, normalise("holygrail"), ProjectStatus.ARCHIVED, "See swallow")
    result = desk.run("export", "local", tmp_path / "export")
    assert result.exit_code == 0, result.output
    return tmp_path / "export"


def known(file: DistributionFile) -> DistributionFile:
    """Without what is the storage's own."""
    return replace(file, storage_id="", counter=0, fingerprint="")


def change(path: Path, how: Callable[[Any], object]) -> None:
    document = json.loads(path.read_bytes())
    how(document)
    path.write_text(json.dumps(document))


def test_an_export_comes_back_whole(desk: Desk, exported: Path) -> None:
    answer = desk.told("import", "other", exported)
    assert (answer["imported"], answer["refused"], answer["passed_over"]) == (3, [], [])
    assert [text.partition(" remembers")[2] for text in answer["warnings"]] == [
        " of 1 deleted file cannot be handed over: under such a name other content could be published here once. "
        "The projects' names stay reserved."
    ]
    before, after = desk.listed("local"), desk.listed("other")
    assert {name: known(file) for name, file in after.items()} == {name: known(file) for name, file in before.items()}
    for project in ("holygrail", "malware", "swallow"):
        assert desk.state(project, "other") == desk.state(project, "local")
    with desk.open() as repositories:
        other = repositories["other"]
        assert other.provenance(after[WHEEL]) == PROVENANCE
        assert other.core_metadata(after[WHEEL]).startswith(b"Metadata-Version")
        assert other.answer_for(normalise("gone")).answerer is Answerer.RESERVED
        assert other.project_list()[0] == ["holygrail", "swallow"]
    again = desk.told("import", "other", exported)
    assert (again["imported"], again["already_there"], again["refused"]) == (0, 3, [])


def test_only_projects_that_are_asked_for_come_back(desk: Desk, exported: Path) -> None:
    assert desk.told("import", "other", exported, "--project", "swallow")["imported"] == 1
    assert desk.state("holygrail", "other") is None


def test_damage_is_refused_file_by_file(desk: Desk, exported: Path) -> None:
    (exported / "swallow" / "swallow-1.0.tar.gz").write_bytes(b"damaged")
    (exported / "holygrail" / f"{WHEEL}.provenance").write_bytes(b"damaged")
    (exported / "malware" / "malware-1.0.tar.gz").unlink()
    (exported / "holygrail" / "stray.txt").write_bytes(b"x")
    answer = desk.told("import", "other", exported, status=1)
    refused = named(answer, "refused")
    assert answer["imported"] == 0
    assert "but 7 came" in refused["swallow-1.0.tar.gz"]
    assert refused[WHEEL].startswith(f"The provenance of {WHEEL} is damaged in ")
    assert refused["malware-1.0.tar.gz"] == "index.json names it, but it is not there."
    assert desk.listed("other") == {}


@pytest.mark.parametrize(
    "how",
    [
        lambda document: document.pop("_pywharf"),
        lambda document: document["project-status"].update(status="fine"),
        lambda document: document["files"][0].pop("_pywharf"),
        lambda document: document["files"][0]["_pywharf"].update(filename="../../x-1.0-py3-none-any.whl"),
        lambda document: document["files"][0]["_pywharf"].update(project="swallow"),
        lambda document: document["files"][0]["_pywharf"].update(size="large"),
        lambda document: document.update(files=7),
        lambda document: document["_pywharf"].update(format=2),
    ],
)
def test_a_damaged_document_costs_its_project_and_no_other(
    desk: Desk, exported: Path, how: Callable[[Any], object]
) -> None:
    change(exported / "holygrail" / "index.json", how)
    answer = desk.told("import", "other", exported, status=1)
    assert (answer["imported"], len(answer["refused"])) == (2, 1)
    assert WHEEL not in desk.listed("other")


def test_an_export_that_was_interrupted_is_imported_as_far_as_it_is(desk: Desk, exported: Path) -> None:
    change(exported / "pywharf-export.json", lambda document: document.update(complete=False))
    (exported / "swallow" / "index.json").unlink()
    answer = desk.told("import", "other", exported)
    assert answer["imported"] == 2
    assert named(answer, "passed_over") == {"swallow": "without index.json, so its export was not ended"}
    assert answer["warnings"][0].endswith("is an export that was not complete; so is what came of it.")


@pytest.mark.parametrize(
    ("marker", "sentence"),
    [
        (
            {"pywharf-export": 2, "form": "files"},
            "was exported by a later version of pywharf; import it with that one.",
        ),
        ({"pywharf-export": 1, "form": "simple"}, "was exported with --simple, as pages for a web server;"),
        ([], "pywharf-export.json is damaged."),
    ],
)
def test_what_is_no_export_for_importing_is_one_sentence(
    desk: Desk, exported: Path, marker: object, sentence: str
) -> None:
    (exported / "pywharf-export.json").write_text(json.dumps(marker))
    result = desk.run("import", "other", exported, "--kind", "export")
    assert (result.exit_code, result.stdout) == (1, "")
    assert sentence in result.stderr


def test_a_static_index_is_a_folder_of_files(desk: Desk, exported: Path, tmp_path: Path) -> None:
    assert desk.run("export", "local", tmp_path / "site", "--simple").exit_code == 0
    answer = desk.told("import", "other", tmp_path / "site")
    assert answer["imported"] == 2, "files of a quarantined project are not in it"
    assert answer["refused"] == []
