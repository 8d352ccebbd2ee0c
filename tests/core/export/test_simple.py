"""The static index: true at any instant, also for who reads it while it is written anew."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import pytest

from core.export.exporting import export, export_simple, written
from core.two_servers import Uploads, listed, repository_on
from pywharf_core import changes
from pywharf_core.clock import Clock
from pywharf_core.errors import WharfError
from pywharf_core.export.forms import FilesForm, SimpleForm
from pywharf_core.export.run import Export, ExportOptions
from pywharf_core.filenames import normalise
from pywharf_core.model import ProjectStatus
from pywharf_core.repository import Repository
from pywharf_core.secret import Secret
from pywharf_core.testing import MemoryStorage, make_upload

GRAIL = normalise("holygrail")
WHEEL = "holygrail-1.0-py3-none-any.whl"
SDIST = "holygrail-2.0.tar.gz"


def test_the_static_index_holds_what_the_server_offers(full: Repository, tmp_path: Path) -> None:
    report = export_simple(full, tmp_path / "site")
    assert (report.copied, report.projects, report.problems) == (2, 2, [])
    assert sorted(written(tmp_path / "site")) == sorted(
        [
            *("index.html", "index.json", "suspect/index.html", "suspect/index.json"),
            *(f"holygrail/{name}" for name in ("index.html", "index.json", WHEEL, f"{WHEEL}.metadata")),
            *(f"holygrail/{name}" for name in (SDIST, f"{SDIST}.metadata")),
        ]
    )
    projects = json.loads((tmp_path / "site" / "index.json").read_bytes())["projects"]
    assert projects == [{"name": "holygrail"}], "a quarantined project has a page, and is on no list"
    assert json.loads((tmp_path / "site" / "suspect" / "index.json").read_bytes())["files"] == []


def test_nothing_in_a_static_index_tells_the_name_of_the_repository(full: Repository, tmp_path: Path) -> None:
    site = tmp_path / "site"
    export_simple(full, site, projects=["holy*"])
    marker = json.loads((site / "pywharf-export.json").read_bytes())
    assert Secret.from_hash(marker.pop("repository")).matches(Secret(full.name))
    assert marker == {"pywharf-export": 1, "form": "simple", "complete": True}
    assert not [path for path in site.rglob("*") if path.is_file() and full.name.encode() in path.read_bytes()]


def test_a_static_index_of_another_repository_is_not_touched(full: Repository, tmp_path: Path) -> None:
    site = tmp_path / "site"
    export_simple(full, site)
    marker = site / "pywharf-export.json"
    marker.write_text(json.dumps({**json.loads(marker.read_bytes()), "repository": Secret("another").hashed()}))
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    with pytest.raises(WharfError, match="is an export of another repository; name another folder"):
        export_simple(full, site)
    assert before == {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}


def test_a_static_index_that_tells_its_repository_is_gone_on_with_and_tells_it_no_more(
    full: Repository, tmp_path: Path
) -> None:
    """As earlier versions wrote it."""
    site = tmp_path / "site"
    export_simple(full, site)
    marker = site / "pywharf-export.json"
    marker.write_text(json.dumps({**json.loads(marker.read_bytes()), "repository": full.name, "projects": None}))
    assert export_simple(full, site).copied == 0
    assert full.name not in marker.read_text()


def test_what_is_to_be_done_counts_what_the_static_index_offers(full: Repository, tmp_path: Path) -> None:
    for form, files in ((SimpleForm(None, None), 2), (FilesForm(), 3)):
        for projects in ((), ("holy*", "suspect")):
            work = Export(full, tmp_path / form.form.value, form, ExportOptions(projects=projects), Clock())
            done: list[None] = []
            assert work.prepare() == files
            work.run(partial(done.append, None))
            assert len(done) == files


def test_a_second_run_writes_nothing(full: Repository, tmp_path: Path) -> None:
    site = tmp_path / "site"
    export_simple(full, site)
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*") if "pywharf-export" not in path.name}
    assert export_simple(full, site).copied == 0
    assert before == {path: path.stat().st_mtime_ns for path in site.rglob("*") if "pywharf-export" not in path.name}


def test_pages_of_projects_that_are_gone_are_removed_and_their_files_named(full: Repository, tmp_path: Path) -> None:
    site = tmp_path / "site"
    export_simple(full, site)
    for version in ("1.0", "2.0"):
        changes.delete(full, GRAIL, version=version)
    changes.set_status(full, GRAIL, ProjectStatus.ACTIVE)
    report = export_simple(full, site)
    assert report.removed == ["holygrail/index.html", "holygrail/index.json"]
    assert report.stale == [f"holygrail/{name}{suffix}" for name in (WHEEL, SDIST) for suffix in ("", ".metadata")]
    report = export_simple(full, site, prune=True)
    assert sorted(written(site)) == ["index.html", "index.json", "suspect/index.html", "suspect/index.json"]
    assert not (site / "holygrail").exists()


def test_a_quarantine_takes_the_files_off_the_page_and_a_pruning_off_the_disk(full: Repository, tmp_path: Path) -> None:
    site = tmp_path / "site"
    export_simple(full, site)
    changes.set_status(full, GRAIL, ProjectStatus.QUARANTINED, "Look at it first")
    report = export_simple(full, site)
    assert json.loads((site / "holygrail" / "index.json").read_bytes())["files"] == []
    assert f"holygrail/{WHEEL}" in report.stale
    assert export_simple(full, site, prune=True).removed == report.stale
    assert not (site / "holygrail" / WHEEL).exists()


@pytest.mark.parametrize("storage", ["memory", "indexed memory"], indirect=True)
def test_what_cannot_be_had_is_not_on_its_page(full: Repository, tmp_path: Path) -> None:
    storage = full.storage
    assert isinstance(storage, MemoryStorage)
    entry = storage.store.files[WHEEL]
    storage.store.files[WHEEL] = replace(entry, content=entry.content[:-1])
    report = export_simple(full, tmp_path / "site")
    assert [problem.name for problem in report.problems] == [WHEEL]
    page = json.loads((tmp_path / "site" / "holygrail" / "index.json").read_bytes())
    assert [file["filename"] for file in page["files"]] == [SDIST]


def test_provenance_is_announced_where_it_lies(full: Repository, tmp_path: Path) -> None:
    site = tmp_path / "site"
    export_simple(full, site, base_url="https://packages.test/simple/")
    [announced] = [
        file["provenance"]
        for file in json.loads((site / "holygrail" / "index.json").read_bytes())["files"]
        if "provenance" in file
    ]
    path = unquote(announced.removeprefix("https://packages.test/simple/"))
    assert (site / path).read_bytes() == b'{"version": 1}'
    assert f'data-provenance="{announced}"' in (site / "holygrail" / "index.html").read_text()
    report = export_simple(full, site)
    assert report.stale == [path], "without the address nothing is announced"


@pytest.mark.parametrize("storage", ["memory", "file system"], indirect=True)  # others read the row anew
def test_metadata_that_is_not_what_is_announced_is_announced_no_more(full: Repository, tmp_path: Path) -> None:
    with full.index.changing() as change:
        file = change.file(SDIST)
        assert file is not None
        change.put_file(replace(file, core_metadata_sha256="0" * 64))
    report = export_simple(full, tmp_path / "site")
    assert [problem.name for problem in report.problems] == [f"{SDIST}.metadata"]
    page = json.loads((tmp_path / "site" / "holygrail" / "index.json").read_bytes())
    assert {file["filename"]: "core-metadata" in file for file in page["files"]} == {WHEEL: True, SDIST: False}


def test_the_two_forms_do_not_share_a_folder(full: Repository, tmp_path: Path) -> None:
    export(full, tmp_path / "export")
    with pytest.raises(WharfError, match="was exported without --simple, and this export is with it"):
        export_simple(full, tmp_path / "export")


def test_namespaces_come_and_go_and_leave_room_for_projects_of_their_names(tmp_path: Path, uploads: Uploads) -> None:
    site = tmp_path / "site"
    repository = repository_on(MemoryStorage(), tmp_path / "root", private=("acme-*", "acme-tools-*"))
    repository.synchronise()
    uploads.publish(repository, "acme-tools", "1.0")
    uploads.publish(repository, "namespace", "1.0")
    repository.namespaces = [normalise("acme"), normalise("acme-tools")]
    export_simple(repository, site)
    assert json.loads((site / "namespaces").read_bytes()) == [{"name": "acme"}, {"name": "acme-tools"}]
    assert json.loads((site / "namespace" / "acme").read_bytes())["children"] == ["acme-tools"]
    assert json.loads((site / "namespace" / "index.json").read_bytes())["name"] == "namespace"
    uploads.publish(repository, "namespaces", "1.0")
    repository.namespaces = [normalise("acme")]
    export_simple(repository, site)
    assert json.loads((site / "namespaces" / "index.json").read_bytes())["name"] == "namespaces"
    assert not (site / "namespace" / "acme-tools").exists()
    repository.namespaces = None
    export_simple(repository, site)
    assert not (site / "namespace" / "acme").exists()
    assert (site / "namespace" / "namespace-1.0-py3-none-any.whl").exists()
    repository.close()


def test_a_reader_meanwhile_never_sees_a_list_or_a_page_that_names_what_is_missing(
    tmp_path: Path, uploads: Uploads
) -> None:
    site = tmp_path / "site"
    repository = repository_on(MemoryStorage(), tmp_path / "root")
    repository.synchronise()
    uploads.publish(repository, "a", "1.0")
    export_simple(repository, site)
    seen: list[int] = []
    wrong: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            shown = json.loads((site / "index.json").read_bytes())["projects"]
            for project in shown:
                page = json.loads((site / project["name"] / "index.json").read_bytes())
                html = (site / project["name"] / "index.html").read_text()
                for file in page["files"]:
                    content = (site / project["name"] / file["filename"]).read_bytes()
                    metadata = (site / project["name"] / f"{file['filename']}.metadata").read_bytes()
                    if hashlib.sha256(content).hexdigest() != file["hashes"]["sha256"]:
                        wrong.append(file["filename"])
                    if hashlib.sha256(metadata).hexdigest() != file["core-metadata"]["sha256"]:
                        wrong.append(f"{file['filename']}.metadata")
                if not html.endswith("</html>\n"):
                    wrong.append(html)
            seen.append(len(shown))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(12):
            uploads.publish(repository, f"project-{number}", "1.0")
            uploads.publish(repository, "a", f"2.{number}")
            changes.yank(repository, normalise("a"), "1.0", str(number))
            export_simple(repository, site)
    finally:
        done.set()
        reader.join()
    assert wrong == []
    assert seen[-1] > 1, "the reader was there all the time"
    repository.close()


def test_names_that_addresses_must_quote_are_found_again(repository: Repository, tmp_path: Path) -> None:
    file, staged = make_upload(tmp_path / "made", "holygrail", "1!1.0+local.1")
    changes.publish(repository, file, staged)
    export_simple(repository, tmp_path / "site")
    [entry] = json.loads((tmp_path / "site" / "holygrail" / "index.json").read_bytes())["files"]
    assert (tmp_path / "site" / "holygrail" / unquote(entry["url"])).exists()
    assert listed(repository, GRAIL).keys() == {entry["filename"]}
