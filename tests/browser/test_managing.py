"""Yank, take back, delete, and set a status, in a browser: what is asked before, and what package tools see after."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import SeenBy
from browser.shelf import Shelf, publish, started
from pywharf_core.testing import make_sdist, make_wheel
from support.clients import Clients
from support.listing import ACCEPT_JSON

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A server in which each test has a project of its own."""
    with started(tmp_path_factory.mktemp("workshop")) as shelf:
        yield shelf


@pytest.fixture
def project(workshop: Shelf, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """With the releases 1.0 and 2.0, each a wheel and an sdist."""
    words = re.findall("[a-z0-9]+", request.node.name.removeprefix("test_").lower())
    name = "-".join(words)
    for version in ("1.0", "2.0"):
        put(workshop, make_wheel(tmp_path, name, version, summary="Of a test"))
        put(workshop, make_sdist(tmp_path, name, version, summary="Of a test"))
    return name


@pytest.fixture
def page(seen_by: SeenBy, workshop: Shelf) -> Page:
    """Of a visitor who may write."""
    return seen_by("writer", workshop)


def put(shelf: Shelf, path: Path) -> None:
    publish(shelf.server, shelf.secrets.writer, path)


def simple(shelf: Shelf, project: str) -> dict[str, Any]:
    """The project's page as package tools see it."""
    answer = shelf.server.ask(f"/simple/{project}/", shelf.secrets.reader, headers=ACCEPT_JSON)
    assert answer.status == 200, answer.text
    page: dict[str, Any] = json.loads(answer.body)
    return page


def files(shelf: Shelf, project: str) -> dict[str, object]:
    """How each file is marked, by its name."""
    return {file["filename"]: file.get("yanked", False) for file in simple(shelf, project)["files"]}


def told(page: Page, sentence: str) -> None:
    """The page says what was done."""
    expect(page.get_by_role("status").filter(has_text=sentence)).to_be_visible()


def names(project: str, *versions: str) -> set[str]:
    stem = project.replace("-", "_")
    return {name for v in versions for name in (f"{stem}-{v}-py3-none-any.whl", f"{stem}-{v}.tar.gz")}


def test_a_release_is_yanked_with_a_reason(page: Page, workshop: Shelf, project: str) -> None:
    page.goto(workshop.local(f"/project/{project}/2.0/"))
    page.get_by_role("link", name="Yank 2.0").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Yank {project} 2.0?")
    for name in names(project, "2.0"):
        expect(page.get_by_role("main")).to_contain_text(name)
    expect(page.get_by_role("main")).to_contain_text("Nothing is deleted.")
    assert set(files(workshop, project).values()) == {False}, "looking changes nothing"
    page.get_by_label("Reason").fill('It says "Ni" & <b>worse</b>')
    page.get_by_role("main").get_by_role("button", name="Yank").click()
    expect(page).to_have_url(workshop.local(f"/project/{project}/2.0/"))
    told(page, f"{project} 2.0 is yanked.")
    expect(page).to_have_title(re.compile(f"^{project} 2.0 is yanked. ·"))
    expect(page.get_by_role("main")).to_contain_text("This release is yanked")
    expect(page.get_by_role("main")).to_contain_text('It says "Ni" & <b>worse</b>')
    marked = files(workshop, project)
    assert {name for name, yanked in marked.items() if yanked == 'It says "Ni" & <b>worse</b>'} == names(project, "2.0")
    assert {name for name, yanked in marked.items() if yanked is False} == names(project, "1.0")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text(project)
    expect(page.get_by_text(f"{project} 2.0 is yanked.")).to_have_count(0)


def test_a_yank_is_taken_back(page: Page, workshop: Shelf, project: str) -> None:
    page.goto(workshop.local(f"/manage/{project}/1.0/yank"))
    page.get_by_role("main").get_by_role("button", name="Yank").click()
    told(page, "is yanked.")
    page.get_by_role("link", name="Take back the yank of 1.0").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("1.0")
    page.get_by_role("main").get_by_role("button").last.click()
    told(page, f"{project} 1.0 is no longer yanked.")
    expect(page.get_by_role("main")).not_to_contain_text("This release is yanked")
    assert set(files(workshop, project).values()) == {False}


def test_who_leaves_the_question_changes_nothing(page: Page, workshop: Shelf, project: str) -> None:
    for action, stay in (("yank", "Leave it as it is"), ("delete", "Keep them")):
        page.goto(workshop.local(f"/manage/{project}/1.0/{action}"))
        page.get_by_role("link", name=stay).click()
        expect(page).to_have_url(workshop.local(f"/project/{project}/1.0/"))
    assert files(workshop, project) == dict.fromkeys(names(project, "1.0", "2.0"), False)


def test_one_file_is_deleted(page: Page, workshop: Shelf, project: str) -> None:
    (sdist,) = (name for name in names(project, "1.0") if name.endswith(".tar.gz"))
    (wheel,) = names(project, "1.0") - {sdist}
    page.goto(workshop.local(f"/project/{project}/1.0/"))
    page.get_by_role("link", name=f"Delete {sdist}").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(sdist)
    main = page.get_by_role("main")
    expect(main).to_contain_text("1 file is removed")
    expect(main).to_contain_text("The other files of 1.0 stay.")
    expect(main).not_to_contain_text(wheel)
    page.get_by_label("Write the project's name").fill(project)
    page.get_by_role("button", name="Delete for good").click()
    told(page, f"{sdist} is deleted.")
    expect(page).to_have_url(workshop.local(f"/project/{project}/1.0/"))
    expect(page.get_by_role("link", name=wheel, exact=True)).to_be_visible()
    expect(page.get_by_role("link", name=sdist, exact=True)).to_have_count(0)
    assert set(files(workshop, project)) == names(project, "1.0", "2.0") - {sdist}


def test_a_release_is_deleted_and_package_tools_find_it_no_more(
    page: Page, workshop: Shelf, project: str, tmp_path: Path
) -> None:
    clients = Clients(tmp_path / "home")
    index = workshop.server.index_url("local", workshop.secrets.read)
    download = ("download", "--no-deps", "--no-binary", ":none:", "--index-url", index, "--dest", str(tmp_path / "to"))
    assert clients.pip(*download, f"{project}==2.0").status == 0
    page.goto(workshop.local(f"/project/{project}/"))
    page.get_by_role("link", name="Delete 2.0").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Delete {project} 2.0 for good?")
    main = page.get_by_role("main")
    for name in names(project, "2.0"):
        expect(main).to_contain_text(name)
    expect(main).to_contain_text("2 files are removed")
    expect(main).to_contain_text(f"Other releases of {project} stay.")
    page.get_by_label("Write the project's name").fill(project)
    page.get_by_role("button", name="Delete for good").click()
    told(page, f"{project} 2.0 is deleted.")
    expect(page).to_have_url(workshop.local(f"/project/{project}/"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("1.0")
    assert simple(workshop, project)["versions"] == ["1.0"]
    assert set(files(workshop, project)) == names(project, "1.0")
    ran = clients.pip(*download, f"{project}==2.0")
    assert ran.status == 1
    assert "No matching distribution found" in ran.output
    assert clients.pip(*download, project).status == 0


def test_the_name_has_to_be_written_before_anything_is_deleted(page: Page, workshop: Shelf, project: str) -> None:
    page.goto(workshop.local(f"/manage/{project}/1.0/delete"))
    field = page.get_by_label("Write the project's name")
    page.get_by_role("button", name="Delete for good").click()
    assert field.evaluate("field => field.validity.valueMissing")
    field.fill("another")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was deleted")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("Nothing was deleted"))
    assert set(files(workshop, project)) == names(project, "1.0", "2.0")
    field.fill(project)
    page.get_by_role("button", name="Delete for good").click()
    told(page, "is deleted.")


def test_a_file_that_came_meanwhile_is_not_deleted_unseen(
    page: Page, workshop: Shelf, project: str, tmp_path: Path
) -> None:
    page.goto(workshop.local(f"/manage/{project}/1.0/delete"))
    put(workshop, make_wheel(tmp_path / "late", project, "1.0", python_tag="py311"))
    page.get_by_label("Write the project's name").fill(project)
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("alert")).to_contain_text("These are not the files that you were shown")
    expect(page.get_by_role("main")).to_contain_text("3 files are removed")
    assert len(files(workshop, project)) == 5


def test_with_its_last_file_a_project_is_gone_but_for_its_name(page: Page, workshop: Shelf, project: str) -> None:
    for version in ("1.0", "2.0"):
        page.goto(workshop.local(f"/manage/{project}/{version}/delete"))
        if version == "2.0":
            expect(page.get_by_role("main")).to_contain_text(f"Nothing else of {project} is left then.")
        page.get_by_label("Write the project's name").fill(project)
        page.get_by_role("button", name="Delete for good").click()
        told(page, f"{project} {version} is deleted.")
    expect(page).to_have_url(workshop.local())
    page.goto(workshop.local(f"/project/{project}/"))
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{project} is not here")
    expect(page.get_by_role("main")).to_contain_text("Its name stays reserved")
    answer = workshop.server.ask(f"/simple/{project}/", workshop.secrets.reader, headers=ACCEPT_JSON)
    assert answer.status == 404


def test_a_status_is_set_and_shown_in_the_list_too(page: Page, workshop: Shelf, project: str) -> None:
    page.goto(workshop.local(f"/project/{project}/"))
    page.get_by_role("link", name="Set the project's status").click()
    page.get_by_role("radio", name="deprecated").check()
    page.get_by_label("Reason").fill("Use a shrubbery instead")
    page.get_by_role("button", name="Set the status").click()
    told(page, f"{project} is deprecated now.")
    expect(page.get_by_role("main")).to_contain_text("This project is deprecated")
    expect(page.get_by_role("main")).to_contain_text("Use a shrubbery instead")
    status = simple(workshop, project)["project-status"]
    assert status == {"status": "deprecated", "reason": "Use a shrubbery instead"}
    page.goto(workshop.local())
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=project, exact=True))
    expect(row).to_contain_text("deprecated")


def test_a_reader_sees_no_way_to_change_anything(seen_by: SeenBy, workshop: Shelf, project: str) -> None:
    page = seen_by("reader", workshop)
    for path in (
        "/",
        "/r/local/",
        f"/r/local/project/{project}/",
        f"/r/local/project/{project}/1.0/",
        "/r/local/upload/",
    ):
        page.goto(workshop.url(path))
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.locator("[href*='/manage/'], [action*='/manage/']").count() == 0
        changes = re.compile("^(Delete|Yank|Take back|Set the)")
        assert page.get_by_role("main").get_by_role("link", name=changes).count() == 0


@pytest.mark.parametrize("action", ["1.0/yank", "1.0/unyank", "1.0/delete", "status"])
def test_a_reader_who_knows_the_address_is_told_so(seen_by: SeenBy, workshop: Shelf, project: str, action: str) -> None:
    page = seen_by("reader", workshop)
    page.goto(workshop.local(f"/manage/{project}/{action}"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Not permitted")
