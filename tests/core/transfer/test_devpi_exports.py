"""Importing what devpi exported."""

from __future__ import annotations

import hashlib
from datetime import UTC
from pathlib import Path

import pytest

from core.transfer.desk import Desk, named
from core.transfer.exported_by_devpi import PUSHED, UPLOADED, DevpiExport, when
from pywharf_core.testing import make_sdist, make_wheel


@pytest.fixture
def export(tmp_path: Path) -> DevpiExport:
    made = DevpiExport(tmp_path / "export")
    made.index("alice/dev")
    made.index("root/mirror", mirror=True)
    return made


def test_the_only_index_with_files_is_imported(desk: Desk, export: DevpiExport, folder: Path) -> None:
    wheel, sdist = make_wheel(folder, "holygrail", "1.0", summary="A cup"), make_sdist(folder, "holygrail", "1.0")
    export.file("alice/dev", wheel)
    export.file("alice/dev", sdist)
    export.index("alice/empty")
    export.entry(
        "alice/dev", {"type": "doczip", "relpath": "alice/dev/holygrail-1.0.doc.zip", "projectname": "holygrail"}
    )
    export.entry("alice/dev", {"type": "toxresult", "relpath": "alice/dev/x/y.toxresult", "projectname": "holygrail"})
    answer = desk.told("import", "local", export.write())
    assert (answer["imported"], answer["refused"]) == (2, [])
    assert sorted(named(answer, "passed_over").values()) == ["a test's result", "documentation"]
    file = desk.listed()[wheel.name]
    assert file.upload_time == UPLOADED.replace(tzinfo=UTC)
    assert file.core_metadata is not None
    assert file.core_metadata["summary"] == "A cup"
    assert desk.told("import", "local", export.folder)["already_there"] == 2


def test_of_several_indexes_those_that_are_named_are_imported(desk: Desk, export: DevpiExport, folder: Path) -> None:
    export.index("alice/prod")
    for index, version in (("alice/dev", "2.0a1"), ("alice/prod", "1.0"), ("root/mirror", "3.0")):
        export.file(index, make_wheel(folder, "holygrail", version))
    export.write()
    result = desk.run("import", "local", export.folder)
    assert result.exit_code == 1
    assert (
        "Error: The export has several indexes with files (alice/dev, alice/prod); name those to import by --index "
        "USER/INDEX.\n"
    ) in result.stderr
    assert desk.told("import", "local", export.folder, "--index", "alice/prod")["imported"] == 1
    both = desk.told("import", "local", export.folder, "--index", "alice/dev", "--index", "root/mirror")
    assert both["imported"] == 2
    result = desk.run("import", "local", export.folder, "--index", "bob/dev")
    assert result.exit_code == 1
    assert "The export has no index bob/dev; it has alice/dev, alice/prod, root/mirror." in result.stderr


def test_a_mirror_is_imported_only_by_name_and_tells_of_yanks(desk: Desk, export: DevpiExport, folder: Path) -> None:
    bad, good = make_wheel(folder, "holygrail", "1.0"), make_wheel(folder, "holygrail", "2.0")
    export.file("root/mirror", bad, yanked="Loses data")
    export.file("root/mirror", good, yanked=False)
    export.write()
    assert desk.run("import", "local", export.folder).exit_code == 1
    assert desk.told("import", "local", export.folder, "--index", "root/mirror")["imported"] == 2
    assert {name: file.yanked for name, file in desk.listed().items()} == {bad.name: "Loses data", good.name: None}


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_file_that_is_not_what_devpi_stored_is_refused(
    desk: Desk, export: DevpiExport, folder: Path, algorithm: str
) -> None:
    wheel = make_wheel(folder, "holygrail", "1.0")
    wrong = hashlib.new(algorithm, b"other").hexdigest()
    export.file("alice/dev", wheel, hashes={"hash_spec": f"{algorithm}={wrong}"})
    answer = desk.told("import", "local", export.write(), status=1)
    assert named(answer, "refused")[wheel.name].startswith(
        f"The source says that the {algorithm} of {wheel.name} is {wrong}"
    )
    assert desk.listed() == {}


def test_old_exports_with_md5_alone_are_imported_and_gone_on_with(
    desk: Desk, export: DevpiExport, folder: Path
) -> None:
    wheel = make_wheel(folder, "holygrail", "1.0")
    digest = hashlib.md5(wheel.read_bytes()).hexdigest()
    export.file("alice/dev", wheel, hashes={"md5": digest}, log=[])
    assert desk.told("import", "local", export.write())["imported"] == 1
    assert desk.listed()[wheel.name].upload_time == PUSHED.replace(tzinfo=UTC), "when devpi last modified it"
    assert desk.told("import", "local", export.folder)["already_there"] == 1


@pytest.mark.parametrize(
    "log",
    [
        [{"what": "upload"}],
        [{"what": "upload", "when": "yesterday"}],
        ["x"],
        {"what": "upload"},
        [{"what": "upload", "when": [2024, 13, 1, 0, 0, 0]}],
    ],
)
def test_a_log_that_says_nothing_costs_nothing_but_the_time(
    desk: Desk, export: DevpiExport, folder: Path, log: list[dict[str, object]]
) -> None:
    wheel = make_wheel(folder, "holygrail", "1.0")
    export.file("alice/dev", wheel)
    export.file("alice/dev", make_wheel(folder, "swallow", "1.0"), log=[{"what": "upload", "when": when(UPLOADED)}])
    export.indexes["alice/dev"]["files"][0]["log"] = log
    assert desk.told("import", "local", export.write())["imported"] == 2
    assert desk.listed()[wheel.name].upload_time == PUSHED.replace(tzinfo=UTC)


def test_an_entry_leads_nowhere_but_into_the_export(
    desk: Desk, export: DevpiExport, folder: Path, tmp_path: Path
) -> None:
    secret = make_wheel(tmp_path, "secret", "1.0")
    good = make_wheel(folder, "holygrail", "1.0")
    export.file("alice/dev", good)
    for relpath in (f"../{secret.name}", str(secret), "alice/dev/gone-1.0.tar.gz"):
        export.entry(
            "alice/dev", {"type": "releasefile", "projectname": "secret", "relpath": relpath, "version": "1.0"}
        )
    answer = desk.told("import", "local", export.write(), status=1)
    assert set(desk.listed()) == {good.name}
    reasons = [entry["reason"] for entry in answer["refused"]]
    assert len(reasons) == 3
    assert sum(reason == "dataindex.json says that it lies outside of the export." for reason in reasons) == 2


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"dumpversion": "3"},
            "has the dump version 3; only version 2 is known; export again with a current devpi-server.",
        ),
        ({"indexes": []}, "is not what devpi-export writes, or damaged; export again."),
        ({"indexes": {}}, "The export has no index with files (none); name those to import by --index USER/INDEX."),
    ],
)
def test_what_is_no_export_is_one_sentence(
    desk: Desk, export: DevpiExport, changed: dict[str, object], sentence: str
) -> None:
    result = desk.run("import", "local", export.write(**changed))
    assert (result.exit_code, result.stdout) == (1, "")
    assert sentence in result.stderr


def test_a_damaged_dataindex_is_one_sentence(desk: Desk, export: DevpiExport) -> None:
    export.write()
    (export.folder / "dataindex.json").write_text("{")
    result = desk.run("import", "local", export.folder)
    assert result.exit_code == 1
    assert "is not what devpi-export writes, or damaged; export again." in result.stderr
