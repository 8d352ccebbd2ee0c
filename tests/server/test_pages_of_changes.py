"""Yank, unyank, delete and status by hand: each page says what will happen, and exactly that happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pywharf_core import shared_secrets
from pywharf_core.plugins import Plugins
from pywharf_core.testing import make_sdist, make_wheel
from server.browser import Browser, Form, form_to
from server.in_process import CONFIG, WRITER, Application, application
from server.read_page import Page, text_of, texts
from server.test_manage import SDIST, WHEEL, ReadAndAddPlugin, marks, page
from support.uploads import basic

ROOT = "/r/local"
RELEASE = f"{ROOT}/manage/holygrail/1.0"
PROJECT = f"{ROOT}/project/holygrail/"


@pytest.fixture
def writer(app: Application, holygrail: Path) -> Browser:
    browser = Browser(app)
    assert browser.log_in("local", "writes").status_code == 303
    return browser


def named(shown: Page) -> list[str]:
    """The files that the page says it is about."""
    return [
        text_of(code) for listing in shown.having("ul", class_="files") for code in shown.all("code", within=listing)
    ]


def notice(browser: Browser, path: str) -> list[str]:
    return [text_of(found) for found in Page(browser.get(path)).having("div", role="status")]


def form(browser: Browser, path: str) -> Form:
    return form_to(browser.get(path), path.partition("?")[0].rpartition("/")[2])


# --- yank and unyank -----------------------------------------------------------------------------------------


def test_a_yank_names_the_files_asks_why_and_can_be_taken_back(app: Application, writer: Browser) -> None:
    shown = Page(writer.get(f"{RELEASE}/yank"))
    assert shown.heading == "Yank holygrail 1.0?"
    assert named(shown) == [WHEEL, SDIST]
    assert "2 files are marked as yanked" in shown.text
    assert marks(app) == {WHEEL: False, SDIST: False}
    answer = writer.send(form(writer, f"{RELEASE}/yank"), reason="Loses data")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PROJECT}1.0/")
    assert notice(writer, answer.headers["location"]) == ["holygrail 1.0 is yanked."]
    assert notice(writer, answer.headers["location"]) == []
    assert marks(app) == dict.fromkeys((WHEEL, SDIST), "Loses data")
    links = Page(writer.get(PROJECT)).links()
    assert f"{RELEASE}/unyank" in links
    assert f"{RELEASE}/yank" not in links
    shown = Page(writer.get(f"{RELEASE}/unyank"))
    assert named(shown) == [WHEEL, SDIST]
    answer = writer.send(form(writer, f"{RELEASE}/unyank"))
    assert notice(writer, answer.headers["location"]) == ["holygrail 1.0 is no longer yanked."]
    assert marks(app) == {WHEEL: False, SDIST: False}


def test_the_reason_of_before_stands_in_the_form(app: Application, writer: Browser) -> None:
    writer.send(form(writer, f"{RELEASE}/yank"), reason='"><b>')
    assert Page(writer.get(f"{RELEASE}/yank")).the("input", name="reason").get("value") == '"><b>'


# --- delete --------------------------------------------------------------------------------------------------


def test_a_deletion_says_what_is_lost_and_wants_the_projects_name(app: Application, writer: Browser) -> None:
    shown = Page(writer.get(f"{RELEASE}/delete"))
    assert shown.heading == "Delete holygrail 1.0 for good?"
    assert named(shown) == [WHEEL, SDIST]
    assert "can only ever come back with the same content" in shown.text
    assert "The project's name stays reserved" in shown.text
    sent = form(writer, f"{RELEASE}/delete")
    for confirm in ("", "swallow", "holygrail 1.0"):
        answer = writer.send(sent, confirm=confirm)
        again = Page(answer)
        assert (answer.status_code, again.the("input", name="confirm").get("aria-invalid")) == (400, "true")
        assert text_of(again.having("div", role="alert")[0]).startswith("Nothing was deleted")
        assert named(again) == [WHEEL, SDIST]
    assert marks(app) == {WHEEL: False, SDIST: False}
    answer = writer.send(sent, confirm=" HolyGrail ")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ROOT}/")
    assert notice(writer, f"{ROOT}/") == ["holygrail 1.0 is deleted."]
    assert app.projects() == []


def test_a_deletion_offers_to_yank_instead_only_what_is_not_yanked(app: Application, writer: Browser) -> None:
    for address in (f"{RELEASE}/delete", f"{RELEASE}/delete?filename={SDIST}"):
        shown = Page(writer.get(address))
        assert shown.links()[f"{RELEASE}/yank"] == "yank it"
    writer.send(form(writer, f"{RELEASE}/yank"), reason="Loses data")
    for address in (f"{RELEASE}/delete", f"{RELEASE}/delete?filename={SDIST}"):
        shown = Page(writer.get(address))
        assert f"{RELEASE}/yank" not in shown.links()
        assert "The release is yanked: installers pass it over already" in shown.text


def test_one_file_is_deleted_and_the_others_stay(app: Application, writer: Browser) -> None:
    links = Page(writer.get(PROJECT)).links()
    address = f"{RELEASE}/delete?filename={SDIST}"
    assert links[address] == f"Delete {SDIST}"
    shown = Page(writer.get(address))
    assert shown.heading == f"Delete {SDIST} for good?"
    assert named(shown) == [SDIST]
    assert "The other files of 1.0 stay." in shown.text
    answer = writer.send(form(writer, address), confirm="holygrail")
    assert answer.headers["location"] == f"{PROJECT}1.0/"
    assert notice(writer, answer.headers["location"]) == [f"{SDIST} is deleted."]
    assert set(app.listed("holygrail")) == {WHEEL}


def test_other_releases_are_told_to_stay(app: Application, writer: Browser, tmp_path: Path) -> None:
    assert app.upload(make_sdist(tmp_path, "holygrail", "2.0")).status_code == 200
    shown = Page(writer.get(f"{RELEASE}/delete"))
    assert "Other releases of holygrail stay." in shown.text
    assert "stays reserved" not in shown.text
    answer = writer.send(form(writer, f"{RELEASE}/delete"), confirm="holygrail")
    assert answer.headers["location"] == PROJECT
    assert set(app.listed("holygrail")) == {"holygrail-2.0.tar.gz"}


def test_nothing_is_deleted_that_the_page_did_not_name(app: Application, writer: Browser, tmp_path: Path) -> None:
    sent = form(writer, f"{RELEASE}/delete")
    late = make_wheel(tmp_path, "holygrail", "1.0", python_tag="py2")
    assert app.upload(late).status_code == 200
    answer = writer.send(sent, confirm="holygrail")
    assert answer.status_code == 400
    assert "not the files that you were shown" in Page(answer).text
    assert late.name in named(Page(answer))
    assert len(app.listed("holygrail")) == 3
    sent = form_to(answer, "/delete")
    assert writer.send(sent, confirm="holygrail").status_code == 303
    assert app.listed("holygrail") == {}


@pytest.mark.usefixtures("holygrail")
def test_a_program_deletes_without_a_second_word(app: Application) -> None:
    answer = app.client.post("/manage/holygrail/1.0/delete", data={"filename": SDIST}, headers=basic(*WRITER))
    assert answer.json() == {"files": [SDIST]}


@pytest.mark.parametrize("filename", ["", "nothing-1.0.tar.gz", "../config.toml", "%00"])
def test_a_file_that_is_not_of_the_release_cannot_be_chosen(writer: Browser, filename: str) -> None:
    assert Page(writer.get(f"{RELEASE}/delete?filename={filename}")).status == 404


# --- status --------------------------------------------------------------------------------------------------


def test_a_status_is_chosen_from_all_with_what_each_means(app: Application, writer: Browser) -> None:
    path = f"{ROOT}/manage/holygrail/status"
    shown = Page(writer.get(path))
    assert texts(shown.all("label"))[1:] == ["active", "archived", "quarantined", "deprecated", "Reason (optional)"]
    assert [found.get("value") for found in shown.having("input", type="radio") if "checked" in found.attrib] == [
        "active"
    ]
    answer = writer.send(form(writer, path), status="archived", reason="See grail")
    assert answer.headers["location"] == PROJECT
    assert notice(writer, PROJECT) == ["holygrail is archived now."]
    assert page(app)["project-status"] == {"status": "archived", "reason": "See grail"}
    shown = Page(writer.get(path))
    assert [found.get("value") for found in shown.having("input", type="radio") if "checked" in found.attrib] == [
        "archived"
    ]
    assert shown.the("input", name="reason").get("value") == "See grail"


def test_a_quarantine_is_lifted_from_the_projects_page(app: Application, writer: Browser) -> None:
    path = f"{ROOT}/manage/holygrail/status"
    writer.send(form(writer, path), status="quarantined")
    assert f"{ROOT}/manage/holygrail/status" in Page(writer.get(PROJECT)).links()
    writer.send(form(writer, path), status="active")
    assert set(app.listed("holygrail")) == {WHEEL, SDIST}


# --- rights --------------------------------------------------------------------------------------------------

PATHS = [f"{RELEASE}/yank", f"{RELEASE}/unyank", f"{RELEASE}/delete", f"{ROOT}/manage/holygrail/status"]


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("path", PATHS)
def test_a_reader_is_refused_and_a_stranger_asked_who_he_is(app: Application, path: str) -> None:
    reader = Browser(app)
    reader.log_in("local", "reads")
    shown = Page(reader.get(path))
    assert shown.status == 403
    assert "may read the repository local, not write to it" in shown.text
    answer = Browser(app).get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login/?next={path}")
    assert app.get(path, None).status_code == 401


@pytest.mark.parametrize(
    "path", ["nothing/1.0/yank", "holygrail/3.0/delete", "holygrail/one/unyank", "nothing/status", "-/status"]
)
def test_what_is_not_there_cannot_be_changed(writer: Browser, path: str) -> None:
    assert Page(writer.get(f"{ROOT}/manage/{path}")).status == 404


def test_other_spellings_are_the_same_release(writer: Browser) -> None:
    shown = Page(writer.get(f"{ROOT}/manage/HolyGrail/1/yank"))
    assert shown.heading == "Yank holygrail 1.0?"


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Application]:
    """On a storage that can neither change nor delete."""
    config = CONFIG.partition("[other]")[0].replace("file_system", "read_and_add")
    with application(tmp_path / "limited", config, None, plugins=Plugins.of(ReadAndAddPlugin(), shared_secrets)) as app:
        assert app.upload(make_wheel(tmp_path, "holygrail", "1.0")).status_code == 200
        yield app


def test_what_the_storage_cannot_do_is_not_offered_and_is_told(limited: Application) -> None:
    browser = Browser(limited)
    browser.log_in("local", "writes")
    shown = Page(browser.get(PROJECT))
    assert shown.status == 200
    assert not [address for address in shown.every_link() if "/manage/" in address]
    for path in PATHS:
        shown = Page(browser.get(path))
        assert shown.status == 501
        assert "cannot" in shown.text
