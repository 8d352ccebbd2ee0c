"""The static index is, byte for byte, what the server sends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pywharf_core.config import load_configuration
from pywharf_core.configuration_in_force import ConfigurationInForce
from pywharf_core.filenames import normalise
from pywharf_core.model import ProjectPage, ProjectStatus
from pywharf_core.plugins import load_plugins
from pywharf_core.repository import Repository
from pywharf_core.static_site import write_static_site
from pywharf_core.testing import make_wheel
from pywharf_core.wharf import Wharf
from server.in_process import Application

HTML, JSON = "text/html", "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def local(app: Application, holygrail: Path) -> Iterator[Repository]:
    """The server's repository, opened beside it."""
    in_force = ConfigurationInForce(app.root).read()
    assert in_force is not None
    configurations = load_configuration(in_force.config, in_force.admin_secret, load_plugins())
    with Wharf.open(configurations, app.root) as wharf:
        yield wharf.repositories["local"]


@pytest.fixture
def site(app: Application, local: Repository, tmp_path: Path) -> Path:
    """The index of two projects."""
    assert app.upload(make_wheel(tmp_path / "dist", "Spam_and.Eggs", "1.0")).status_code == 200
    pages = [local.project_page(normalise(project))[0] for project in local.project_list()[0]]
    written = write_static_site(tmp_path / "site", pages, read_metadata=local.core_metadata)
    assert written == ["holygrail", "spam-and-eggs"]
    return tmp_path / "site"


@pytest.mark.parametrize("place", ["", "holygrail/", "spam-and-eggs/"])
@pytest.mark.parametrize(("name", "accept"), [("index.html", HTML), ("index.json", JSON)])
def test_pages_are_the_servers_bytes(app: Application, site: Path, place: str, name: str, accept: str) -> None:
    answer = app.get(f"/simple/{place}", headers={"Accept": accept})
    assert answer.status_code == 200
    assert (site / place / name).read_bytes() == answer.content


def test_announced_metadata_lies_beside_its_file(app: Application, site: Path, holygrail: Path) -> None:
    answer = app.get(f"/simple/holygrail/{holygrail.name}.metadata")
    assert answer.status_code == 200
    assert (site / "holygrail" / f"{holygrail.name}.metadata").read_bytes() == answer.content


def test_metadata_that_is_not_written_is_not_announced(local: Repository, holygrail: Path, tmp_path: Path) -> None:
    page, _ = local.project_page(normalise("holygrail"))
    folder = tmp_path / "bare"
    write_static_site(folder, [page], file_url=lambda file: f"https://files.test/{file.filename}")
    text = (folder / "holygrail" / "index.html").read_text() + (folder / "holygrail" / "index.json").read_text()
    assert f"https://files.test/{holygrail.name}" in text
    assert "metadata" not in text
    assert sorted(path.name for path in (folder / "holygrail").iterdir()) == ["index.html", "index.json"]


def test_a_quarantined_projects_metadata_is_not_written(local: Repository, holygrail: Path, tmp_path: Path) -> None:
    page, _ = local.project_page(normalise("holygrail"))
    hidden = ProjectPage(project=page.project, files=page.files, status=ProjectStatus.QUARANTINED)
    listed = write_static_site(tmp_path / "site", [hidden], read_metadata=local.core_metadata)
    assert listed == [], "as on the server's list"
    assert sorted(path.name for path in (tmp_path / "site" / "holygrail").iterdir()) == ["index.html", "index.json"]
