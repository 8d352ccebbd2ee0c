"""Libraries and clients that others wrote read pages full of odd names, versions and texts, and find the same files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin

import mousebender.simple
import pypi_simple
import pytest
from packaging.metadata import parse_email
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version
from pip._internal.index.collector import IndexContent, parse_links
from pip._internal.models.link import Link

from conformance.hostile import CONFIG, TEXTS, VERSIONS, publish_all
from pywharf_core.filenames import normalise
from server.in_process import Application
from support.clients import Clients
from support.listing import ACCEPT_JSON, JSON
from support.running_server import RunningServer, running_server

HTML = "application/vnd.pypi.simple.v1+html"
PROJECTS = sorted({normalise(name) for name in VERSIONS} | {"hostile"})


def _url(project: str) -> str:
    return f"http://testserver/simple/{project}/"


def _sha256s(app: Application, project: str) -> dict[str, str]:
    """By filename, as the storage has them."""
    folder = app.store() / project
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name.endswith((".whl", ".tar.gz"))
    }


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("accept", [JSON, HTML, "text/html"])
def test_pypi_simple_finds_every_file_and_what_is_said_of_it(hostile: Application, project: str, accept: str) -> None:
    answer = hostile.get(_url(project), headers={"Accept": accept})
    if accept == JSON:
        page = pypi_simple.ProjectPage.from_json_data(answer.json(), _url(project))
    else:
        page = pypi_simple.ProjectPage.from_html(project, answer.text, _url(project))
    expected = _sha256s(hostile, project)
    assert page.repository_version == "1.4"
    assert {package.filename: package.digests["sha256"] for package in page.packages} == expected
    for package in page.packages:
        assert package.project is not None
        assert package.version is not None
        assert package.package_type in ("wheel", "sdist")
        assert canonicalize_name(package.project) == project
        assert urljoin(_url(project), package.url) == package.url
        metadata = hostile.get(package.metadata_url)
        assert package.metadata_digests == {"sha256": hashlib.sha256(metadata.content).hexdigest()}
        if accept == JSON:
            file = hostile.get(package.url)
            assert (package.size, package.digests["sha256"]) == (
                len(file.content),
                hashlib.sha256(file.content).hexdigest(),
            )
            assert package.upload_time is not None
    yanked = {package.filename for package in page.packages if package.is_yanked}
    assert len(yanked) == {"hostile": len(TEXTS), "equal": 6}.get(project, 0)


@pytest.mark.parametrize("project", PROJECTS)
def test_packaging_understands_every_name_version_and_metadata_file(hostile: Application, project: str) -> None:
    document = hostile.get(_url(project), headers=ACCEPT_JSON).json()
    versions = [Version(version) for version in document["versions"]]
    assert len(set(versions)) == len(versions)
    for entry in document["files"]:
        filename = entry["filename"]
        if filename.endswith(".whl"):
            name, version, build, _ = parse_wheel_filename(filename)
            assert bool(build) == ("-1abc-" in filename)
        else:
            name, version = parse_sdist_filename(filename)
        assert (name, version in versions) == (project, True)
        raw, _ = parse_email(hostile.get(f"{_url(project)}{entry['url']}.metadata").content)
        assert (canonicalize_name(raw["name"]), Version(raw["version"])) == (name, version)


@pytest.mark.filterwarnings("ignore:Unsupported API minor version")  # of HTML it knows 1.0 only, and reads on
@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("content_type", [JSON, HTML])
def test_mousebender_reads_both_formats(hostile: Application, project: str, content_type: str) -> None:
    answer = hostile.get(_url(project), headers={"Accept": content_type})
    details = mousebender.simple.parse_project_details(answer.text, content_type, project)
    found = {file["filename"]: file["hashes"]["sha256"] for file in details["files"]}
    assert found == _sha256s(hostile, project)
    listing = hostile.get("/simple/", headers={"Accept": content_type}).text
    index = mousebender.simple.parse_project_index(listing, content_type)
    assert {entry["name"] for entry in index["projects"]} == set(PROJECTS)


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("accept", [JSON, HTML, "text/html"])
def test_pips_own_parser_finds_links_to_our_files_and_to_nowhere_else(
    hostile: Application, project: str, accept: str
) -> None:
    answer = hostile.get(_url(project), headers={"Accept": accept})
    content = IndexContent(answer.content, answer.headers["content-type"], "utf-8", _url(project), False)
    links: list[Link] = list(parse_links(content))
    assert {link.filename: link.hash for link in links} == _sha256s(hostile, project)
    for link in links:
        assert link.url_without_fragment.startswith(_url(project))
        assert link.hash_name == "sha256"
        assert link.metadata_file_data is not None
        metadata = link.metadata_link()
        assert metadata is not None
        assert hostile.get(metadata.url_without_fragment).status_code == 200
        assert hostile.get(link.url_without_fragment).status_code == 200
        assert unquote(link.url_without_fragment).endswith(f"/{link.filename}")


@dataclass(frozen=True)
class _Sender:
    """What ``publish_all`` needs, for a server in another process."""

    server: RunningServer

    def post(self, url: str, /, *, content: bytes, headers: Mapping[str, str]) -> _Answered:
        answer = self.server.ask(url, method="POST", body=content, headers=headers)
        return _Answered(answer.status, answer.text)


@dataclass(frozen=True)
class _Answered:
    status_code: int
    text: str


@pytest.mark.slow
def test_pip_and_uv_choose_well_among_odd_files(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "config.toml").write_text(CONFIG)
    clients = Clients(tmp_path / "home")
    with running_server(root) as server:
        publish_all(_Sender(server), tmp_path / "dist")
        index = server.index_url("local", "reads")
        for wanted, version in {
            "odd-name.x": "1!2.0+local.1",  # the highest epoch, and a local version is above the public one
            "equal==1.0": "1.0",  # yanked, every file of it, but asked for by its number
            "a": "2026.11.22",
            "hostile": "2.0",  # the only one whose Requires-Python is one
        }.items():
            project = normalise(re.split("==", wanted)[0])
            target = tmp_path / project
            ran = clients.pip("download", "--index-url", index, "--no-deps", "--dest", str(target), wanted)
            assert ran.status == 0, ran.output
            (found,) = target.iterdir()
            assert str(parse_wheel_filename(found.name)[1]) in (version, f"{version}.0")
            listing = tmp_path / f"{project}.in"
            listing.write_text(wanted)
            ran = clients.uv("pip", "compile", "--index-url", index, "--no-deps", "--no-header", str(listing))
            assert ran.status == 0, ran.output
            assert re.search(rf"^{project}=={re.escape(version)}(\.0)?$", ran.output, re.MULTILINE), ran.output
