"""Documents of the shape of PyPI's JSON API."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from pywharf_core.json_api import Addresses, release_document
from pywharf_core.model import CoreMetadata, DistributionFile
from pywharf_core.releases import by_release, latest

PROJECT = canonicalize_name("foo")
MORNING = datetime(2026, 11, 22, 8, 30, 1, 120000, tzinfo=UTC)
ADDRESSES = Addresses(
    file=lambda file: f"https://wharf.test/simple/{file.project}/{file.filename}",
    project=lambda project: f"https://wharf.test/project/{project}/",
    release=lambda project, version: f"https://wharf.test/project/{project}/{version}/",
)

INFO = {
    "author", "author_email", "bugtrack_url", "classifiers", "description", "description_content_type", "docs_url",
    "download_url", "downloads", "dynamic", "home_page", "keywords", "license", "license_expression", "license_files",
    "maintainer", "maintainer_email", "name", "package_url", "platform", "project_url", "project_urls",
    "provides_extra", "release_url", "requires_dist", "requires_python", "summary", "version", "yanked",
    "yanked_reason",
}  # fmt: skip
FILE = {
    "comment_text", "core-metadata", "digests", "downloads", "filename", "has_sig", "md5_digest", "packagetype",
    "python_version", "requires_python", "size", "upload_time", "upload_time_iso_8601", "url", "yanked",
    "yanked_reason",
}  # fmt: skip


def wheel(version: str = "1.0", **fields: Any) -> DistributionFile:
    values = {
        "filename": f"foo-{version}-py3-none-any.whl",
        "project": PROJECT,
        "version": version,
        "packagetype": "bdist_wheel",
        "size": 12345,
        "hashes": {"sha256": "a" * 64},
        "upload_time": MORNING,
        "core_metadata": {"name": "Foo", "version": version},
        **fields,
    }
    return DistributionFile(**values)


def document(*files: DistributionFile, whole: bool = True, description: str = "") -> dict[str, Any]:
    releases = by_release(files)
    text = release_document(
        PROJECT,
        latest(releases),
        description=description,
        serial=7,
        addresses=ADDRESSES,
        releases=releases if whole else None,
    )
    assert text.isascii()
    found: dict[str, Any] = json.loads(text)
    return found


def info(**core_metadata: str | tuple[str, ...]) -> dict[str, Any]:
    fields: CoreMetadata = {"name": "Foo", "version": "1.0", **core_metadata}
    found: dict[str, Any] = document(wheel(core_metadata=fields))["info"]
    return found


def test_the_fields_are_those_that_pypi_documents() -> None:
    whole = document(wheel())
    assert set(whole) == {"info", "last_serial", "ownership", "releases", "urls", "vulnerabilities"}
    assert set(whole["info"]) == INFO
    assert set(whole["urls"][0]) == FILE
    assert whole["last_serial"] == 7
    assert whole["vulnerabilities"] == []
    assert whole["ownership"] == {"roles": [], "organization": None}


def test_releases_are_told_in_the_form_of_the_project_only() -> None:
    files = wheel("1.0"), wheel("2.0a1")
    whole = document(*files)
    assert {version: [file["filename"] for file in found] for version, found in whole["releases"].items()} == {
        "1.0": ["foo-1.0-py3-none-any.whl"],
        "2.0a1": ["foo-2.0a1-py3-none-any.whl"],
    }
    assert whole["info"]["version"] == "1.0"
    assert whole["urls"] == whole["releases"]["1.0"]
    assert "releases" not in document(*files, whole=False)


def test_what_a_release_says_nothing_of_is_null() -> None:
    said = {
        "name": "Foo",
        "version": "1.0",
        "description": "",
        "classifiers": [],
        "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
        "package_url": "https://wharf.test/project/foo/",
        "project_url": "https://wharf.test/project/foo/",
        "release_url": "https://wharf.test/project/foo/1.0/",
        "yanked": False,
    }
    assert info() == {**dict.fromkeys(INFO), **said}


def test_what_a_release_says_is_told() -> None:
    found = info(
        summary="A grail",
        description_content_type="text/markdown",
        keywords="holy,grail, cup",
        license="MIT",
        license_expression="MIT",
        license_files=("LICENSE", "NOTICE"),
        classifiers=("Private :: Do Not Upload", "Topic :: Utilities"),
        author="A",
        author_email="a@example.com",
        maintainer="M",
        maintainer_email="m@example.com",
        requires_python=">=3.8",
        platforms=("linux", "win32"),
        requires_dist=("requests>=2 ; extra == 'net'",),
        provides_extra=("net",),
        dynamic=("requires-dist",),
    )
    assert found["summary"] == "A grail"
    assert found["description_content_type"] == "text/markdown"
    assert found["keywords"] == "holy, grail, cup"
    assert (found["license"], found["license_expression"]) == ("MIT", "MIT")
    assert found["license_files"] == ["LICENSE", "NOTICE"]
    assert found["classifiers"] == ["Private :: Do Not Upload", "Topic :: Utilities"]
    assert (found["author"], found["author_email"]) == ("A", "a@example.com")
    assert (found["maintainer"], found["maintainer_email"]) == ("M", "m@example.com")
    assert found["requires_python"] == ">=3.8"
    assert found["platform"] == "linux"
    assert found["requires_dist"] == ["requests>=2 ; extra == 'net'"]
    assert found["provides_extra"] == ["net"]
    assert found["dynamic"] == ["requires-dist"]


@pytest.mark.parametrize(
    ("fields", "urls"),
    [
        ({}, None),
        ({"project_urls": ("Source, https://a.test/s", "Docs,https://a.test/d,1")},
         {"Source": "https://a.test/s", "Docs": "https://a.test/d,1"}),
        ({"home_page": "https://a.test", "download_url": "https://a.test/d"},
         {"Homepage": "https://a.test", "Download": "https://a.test/d"}),
        ({"home_page": "https://a.test", "project_urls": ("home-page, https://a.test",)},
         {"Homepage": "https://a.test"}),
        ({"home_page": "https://a.test", "project_urls": ("Home Page, https://b.test",)},
         {"Homepage": "https://a.test", "Home Page": "https://b.test"}),
        ({"project_urls": ("https://a.test",)}, {"https://a.test": "https://a.test"}),
    ],
)  # fmt: skip
def test_project_urls_are_by_label_and_the_old_fields_are_among_them(
    fields: dict[str, str | tuple[str, ...]], urls: dict[str, str] | None
) -> None:
    assert info(**fields)["project_urls"] == urls


def test_a_file_tells_what_is_known_of_it() -> None:
    (known,) = document(
        wheel(
            hashes={"sha256": "a" * 64, "md5": "b" * 32, "blake2b_256": "c" * 64},
            upload_time=MORNING.astimezone(timezone(timedelta(hours=5))),
            requires_python=">=3.8",
            yanked="Loses data",
            comment="rebuilt",
            core_metadata_sha256="d" * 64,
        )
    )["urls"]
    assert known == {
        "filename": "foo-1.0-py3-none-any.whl",
        "packagetype": "bdist_wheel",
        "python_version": "py3",
        "size": 12345,
        "url": "https://wharf.test/simple/foo/foo-1.0-py3-none-any.whl",
        "digests": {"md5": "b" * 32, "sha256": "a" * 64, "blake2b_256": "c" * 64},
        "md5_digest": "b" * 32,
        "upload_time": "2026-11-22T08:30:01",
        "upload_time_iso_8601": "2026-11-22T08:30:01.120000Z",
        "requires_python": ">=3.8",
        "yanked": True,
        "yanked_reason": "Loses data",
        "comment_text": "rebuilt",
        "core-metadata": {"sha256": "d" * 64},
        "has_sig": False,
        "downloads": -1,
    }


def test_a_file_is_silent_about_what_is_not_known() -> None:
    (known,) = document(wheel(upload_time=MORNING.replace(microsecond=0)))["urls"]
    assert known["digests"] == {"sha256": "a" * 64}
    assert known["md5_digest"] is None
    assert known["upload_time_iso_8601"] == "2026-11-22T08:30:01.000000Z"
    assert (known["requires_python"], known["comment_text"], known["core-metadata"]) == (None, "", False)
    assert (known["yanked"], known["yanked_reason"]) == (False, None)


@pytest.mark.parametrize(
    ("filename", "packagetype", "python_version"),
    [
        ("foo-1.0-py2.py3-none-any.whl", "bdist_wheel", "py2.py3"),
        ("foo-1.0-1build-cp311-cp311-manylinux_2_17_x86_64.whl", "bdist_wheel", "cp311"),
        ("foo-1.0.tar.gz", "sdist", "source"),
    ],
)
def test_the_python_version_is_what_uploaders_state(filename: str, packagetype: str, python_version: str) -> None:
    (known,) = document(wheel(filename=filename, packagetype=packagetype))["urls"]
    assert known["python_version"] == python_version


def test_a_yanked_release_says_so_and_a_yank_without_a_reason_has_none() -> None:
    found = document(wheel(yanked=""))["info"]
    assert (found["yanked"], found["yanked_reason"]) == (True, None)
    found = document(wheel(yanked="Loses data"))["info"]
    assert (found["yanked"], found["yanked_reason"]) == (True, "Loses data")


def test_words_of_an_uploader_are_data_whatever_they_hold() -> None:
    strange = '"\\\n\u2028</script>\ud800'
    fields = {"name": "Foo", "summary": strange, "classifiers": (strange,)}
    found = document(wheel(core_metadata=fields, yanked=strange, comment=strange), description=strange)
    shown = strange.replace("\ud800", "\ufffd")
    told = found["info"]
    assert told["summary"] == told["description"] == told["classifiers"][0] == found["urls"][0]["comment_text"] == shown
    line = shown.replace("\n", " ")  # installers print it
    assert told["yanked_reason"] == found["urls"][0]["yanked_reason"] == line


def test_a_file_whose_metadata_was_never_read_still_makes_a_document() -> None:
    found = document(wheel(core_metadata=None))
    assert (found["info"]["name"], found["info"]["version"]) == ("foo", "1.0")
