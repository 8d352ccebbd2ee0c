"""Importing from folders, files, lists of files, and the store of a pypiserver."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.transfer.desk import Desk, named, sha256
from pywharf_core.testing import make_sdist, make_wheel


def test_a_folder_is_imported_with_all_that_is_below_it(desk: Desk, folder: Path) -> None:
    wheel = make_wheel(folder, "holygrail", "1.0", requires_python=">=3.9", summary="A cup")
    sdist = make_sdist(folder / "deep" / "down", "holygrail", "1.0")
    before = datetime.now(UTC)
    result = desk.run("import", "local", folder)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("2 files (")
    assert result.stdout.endswith(" imported into local; 0 already there, 0 refused.\n")
    listed = desk.listed()
    assert {name: file.sha256 for name, file in listed.items()} == {
        wheel.name: sha256(wheel),
        sdist.name: sha256(sdist),
    }
    file = listed[wheel.name]
    assert file.requires_python == ">=3.9"
    assert file.core_metadata is not None
    assert file.core_metadata["summary"] == "A cup"
    assert file.core_metadata_sha256 is not None
    assert file.upload_time >= before, "a folder does not know when its files were uploaded"
    assert file.yanked is None


def test_what_is_there_already_is_left_alone(desk: Desk, folder: Path) -> None:
    wheel = make_wheel(folder, "holygrail", "1.0")
    first = desk.told("import", "local", folder)
    file = desk.listed()[wheel.name]
    second = desk.told("import", "local", folder)
    assert (first["imported"], first["already_there"]) == (1, 0)
    assert (second["imported"], second["already_there"]) == (0, 1)
    assert second["complete"]
    assert desk.listed()[wheel.name] == file


@pytest.mark.parametrize("padding", [0, 10], ids=["of the same size", "of another size"])
def test_other_content_under_a_published_name_is_refused_and_says_so(
    desk: Desk, folder: Path, tmp_path: Path, padding: int
) -> None:
    make_wheel(folder, "holygrail", "1.0", summary="first")
    desk.told("import", "local", folder)
    before = desk.listed()
    other = make_wheel(tmp_path / "other", "holygrail", "1.0", summary="other", padding=padding)
    good = make_wheel(tmp_path / "other", "holygrail", "2.0")
    answer = desk.told("import", "local", tmp_path / "other", status=1)
    assert answer["imported"] == 1
    assert "File already exists" in named(answer, "refused")[other.name]
    assert desk.listed()[other.name] == before[other.name]
    assert good.name in desk.listed()


def test_what_is_no_distribution_is_passed_over_by_name(desk: Desk, folder: Path, tmp_path: Path) -> None:
    wheel = make_wheel(folder, "holygrail", "1.0")
    for name in (
        "README.md",
        "holygrail-1.0-py3-none-any.whl.asc",
        "old-1.0-py2.7.egg",
        "old-1.0.tar.bz2",
        "backup.tar.gz",
    ):
        (folder / name).write_bytes(b"x")
    (folder / ".cache").mkdir()
    make_wheel(folder / ".cache", "hidden", "1.0")
    (tmp_path / "elsewhere").mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    answer = desk.told("import", "local", folder)
    assert (answer["imported"], answer["refused"]) == (1, [])
    assert named(answer, "passed_over") == {
        "README.md": "neither a wheel nor an sdist",
        f"{wheel.name}.asc": "a signature, which an index no longer serves",
        "old-1.0-py2.7.egg": "an egg, which installers no longer take",
        "old-1.0.tar.bz2": "an archive of another kind than sdists are (.tar.gz, .zip)",
        "backup.tar.gz": "its name is not that of a wheel or sdist",
        ".cache": "hidden",
        "linked": "a link to a folder",
    }
    assert set(desk.listed()) == {wheel.name}


def test_bad_files_are_refused_one_by_one_and_the_rest_is_imported(desk: Desk, folder: Path) -> None:
    good = make_wheel(folder, "holygrail", "1.0")
    cut = make_wheel(folder, "cut", "1.0")
    cut.write_bytes(cut.read_bytes()[:-20])
    (folder / "empty-1.0-py3-none-any.whl").write_bytes(b"")
    (folder / "noise-1.0.tar.gz").write_bytes(b"noise")
    make_wheel(folder, "other", "1.0").rename(folder / "lying-1.0-py3-none-any.whl")
    (folder / "no_version.whl").write_bytes(b"x")
    answer = desk.told("import", "local", folder, status=1)
    assert answer["imported"] == 1
    refused = named(answer, "refused")
    assert set(refused) == {
        "cut-1.0-py3-none-any.whl",
        "empty-1.0-py3-none-any.whl",
        "noise-1.0.tar.gz",
        "lying-1.0-py3-none-any.whl",
        "no_version.whl",
    }
    assert all(reason.endswith(".") for reason in refused.values()), refused
    assert set(desk.listed()) == {good.name}
    assert not list(desk.root.rglob("*.upload")), "nothing is left of what was refused"


def test_a_file_that_cannot_be_read_is_refused_alone(desk: Desk, folder: Path) -> None:
    good = make_wheel(folder, "holygrail", "1.0")
    os.mkfifo(folder / "pipe-1.0-py3-none-any.whl")
    (folder / "gone-1.0-py3-none-any.whl").symlink_to(folder / "nowhere")
    answer = desk.told("import", "local", folder, status=1)
    assert named(answer, "refused") == {"gone-1.0-py3-none-any.whl": "It cannot be read: No such file or directory."}
    assert named(answer, "passed_over") == {"pipe-1.0-py3-none-any.whl": "not a file"}
    assert set(desk.listed()) == {good.name}


def test_names_of_any_bytes_are_told_in_ascii(desk: Desk, folder: Path) -> None:
    odd = os.path.join(os.fsencode(folder), b"caf\xe9\n")
    os.mkdir(odd)
    with open(os.path.join(odd, b"x.txt"), "wb"):
        pass
    make_wheel(folder, "holygrail", "1.0")
    result = desk.run("import", "local", folder)
    assert result.exit_code == 0
    assert "caf\\udce9\\n/x.txt: neither a wheel nor an sdist" in result.stderr


@pytest.mark.parametrize("flags", [[], ["--dry_run"], ["--kind", "pypiserver"]])
@pytest.mark.parametrize("name", [None, "notes.txt"])
def test_a_folder_without_packages_is_not_what_was_meant(
    desk: Desk, folder: Path, name: str | None, flags: list[str]
) -> None:
    passed_over = []
    if name is not None:
        (folder / name).touch()
        passed_over = [name]
    result = desk.run("import", "local", folder, *flags)
    sentence = f"There is no wheel or sdist in {folder}."
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (1, f"Error: {sentence}")
    answer = desk.told("import", "local", folder, *flags, status=1)
    assert (answer["error"], answer["complete"], answer["imported"]) == (sentence, False, 0)
    assert list(named(answer, "passed_over")) == passed_over


def test_paths_may_be_files_folders_and_lists_of_them(desk: Desk, folder: Path, tmp_path: Path) -> None:
    wheels = [make_wheel(folder / str(number), "holygrail", f"{number}.0") for number in range(4)]
    listing = tmp_path / "list.txt"
    listing.write_text(f"# what came last week\n\n{wheels[2]}\n")
    answer = desk.told("import", "local", wheels[0], wheels[1].parent, "--from_file", listing)
    assert answer["imported"] == 3
    result = desk.run("import", "local", "--from-file", "-", stdin=f"{wheels[3]}\n")
    assert result.exit_code == 0, result.output
    assert set(desk.listed()) == {wheel.name for wheel in wheels}


def test_only_projects_that_are_asked_for_are_imported(desk: Desk, folder: Path) -> None:
    for project in ("acme-cup", "Acme.Plate", "holygrail"):
        make_wheel(folder, project, "1.0")
    answer = desk.told("import", "local", folder, "--project", "ACME_*")
    assert answer["imported"] == 2
    assert list(named(answer, "passed_over").values()) == ["of a project that nobody asked for"]
    assert {file.project for file in desk.listed().values()} == {"acme-cup", "acme-plate"}


def test_the_store_of_a_pypiserver_knows_when_its_files_were_uploaded(desk: Desk, folder: Path) -> None:
    flat = make_wheel(folder, "holygrail", "1.0")
    nested = make_sdist(folder / "swallow", "swallow", "2.0")
    for path in (flat, nested):
        (path.parent / f"{path.name}.asc").write_bytes(b"-----BEGIN PGP SIGNATURE-----")
        os.utime(path, (1_600_000_000, 1_600_000_000))
    future = make_wheel(folder, "tomorrow", "1.0")
    os.utime(future, (4_000_000_000, 4_000_000_000))
    answer = desk.told("import", "local", folder, "--kind", "pypiserver")
    assert (answer["imported"], len(answer["passed_over"])) == (3, 2)
    listed = desk.listed()
    moment = datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)
    assert (listed[flat.name].upload_time, listed[nested.name].upload_time) == (moment, moment)
    assert listed[future.name].upload_time <= datetime.now(UTC) + timedelta(seconds=1)


def test_a_file_that_is_too_large_is_refused_before_it_is_copied(desk: Desk, folder: Path) -> None:
    make_wheel(folder, "holygrail", "1.0", padding=200_000)
    answer = desk.told("import", "other", folder, status=1)
    (reason,) = named(answer, "refused").values()
    assert reason == "The file is larger than 100000 bytes, the most that this repository takes."


def test_a_closed_project_takes_nothing_and_another_does(desk: Desk, folder: Path) -> None:
    make_wheel(folder, "holygrail", "1.0")
    desk.told("import", "local", folder)
    assert desk.run("set_status", "local", "holygrail", "archived").exit_code == 0
    make_wheel(folder, "holygrail", "2.0")
    make_wheel(folder, "swallow", "1.0")
    answer = desk.told("import", "local", folder, status=1)
    assert (answer["imported"], answer["already_there"]) == (1, 1)
    assert list(named(answer, "refused").values()) == ["The project holygrail is archived and takes no uploads."]


def test_a_deleted_name_comes_back_with_its_own_content_only(desk: Desk, folder: Path, tmp_path: Path) -> None:
    wheel = make_wheel(folder, "holygrail", "1.0")
    desk.told("import", "local", folder)
    assert desk.run("delete", "local", wheel.name).exit_code == 0
    other = make_wheel(tmp_path / "other", "holygrail", "1.0", summary="other")
    answer = desk.told("import", "local", other, status=1)
    assert "was deleted" in named(answer, "refused")[wheel.name]
    assert desk.told("import", "local", folder)["imported"] == 1


def test_a_dry_run_judges_and_changes_nothing(desk: Desk, folder: Path) -> None:
    make_wheel(folder, "holygrail", "1.0")
    desk.told("import", "local", folder)
    make_wheel(folder, "holygrail", "2.0")
    make_wheel(folder, "large", "1.0", padding=200_000)
    (folder / "noise-1.0.tar.gz").write_bytes(b"noise")
    before = {path: path.stat().st_mtime_ns for path in (desk.root / "cache").rglob("*") if path.is_file()}
    answer = desk.told("import", "local", folder, "--dry_run", status=1)
    assert (answer["imported"], answer["already_there"], answer["dry_run"]) == (2, 1, True)
    assert list(named(answer, "refused")) == ["noise-1.0.tar.gz"]
    assert {path: path.stat().st_mtime_ns for path in (desk.root / "cache").rglob("*") if path.is_file()} == before
    said = desk.run("import", "local", folder, "--dry-run").stdout
    assert " would be imported into local; 1 already there, 1 refused." in said


def test_without_a_root_the_store_alone_is_filled(desk: Desk, folder: Path, tmp_path: Path) -> None:
    make_wheel(folder, "holygrail", "1.0")
    config = tmp_path / "config.toml"
    config.write_text(f'[shelf]\ntype = "file_system"\nread_secret = "x"\npath = "{tmp_path / "store"}"\n')
    result = desk.run("import", "shelf", folder, "--config", config)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "store" / "holygrail" / "holygrail-1.0-py3-none-any.whl").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["local"], "Name what to import: folders, files, or the URL of an index."),
        (["local", "nowhere"], "nowhere does not exist; name a folder, a file, or the URL of an index."),
        (["locl", "."], "There is no repository 'locl'; did you mean local? Configured: local, other."),
        (["local", ".", "--project", "a b"], "--project 'a b' is neither the name of a project nor a glob such as 'acme-*'."),
        (["local", ".", "--index", "a/b"], "--index goes with an export of devpi."),
        (["local", ".", "--secret", "x"], "--username and --secret go with the URL of an index."),
        (["local", ".", "--kind", "index"], ". is not the address of an index; it should begin with https:// or http://."),
        (["local", "https://a.test/simple/"], "Which projects of the index? Name them by --project, which may be a glob;"),
        (["local", "https://a.test/", "x"], "Another index is imported by its URL alone, with the kind index;"),
        (["local", "https://a.test/", "--kind", "devpi"], "Another index is imported by its URL alone,"),
        (["local", ".", "--jobs", "0"], "0 is not in the range 1<=x<=64."),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_sentence(
    desk: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(folder)
    result = desk.run("import", *arguments)
    assert result.exit_code == 2, result.output
    assert sentence in result.stderr
    assert result.stdout == ""
