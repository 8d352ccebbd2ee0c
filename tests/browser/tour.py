"""Every page for people, and how to come to see it: for what is checked of all of them, and for the screenshots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from browser.login_form import log_in
from browser.shelf import Role, Shelf


@dataclass(frozen=True)
class Stop:
    """:ivar name: of the page, and of its picture.
    :ivar path: on the shelf's server.
    :ivar role: who looks; None: a stranger.
    :ivar status: that the page is answered with.
    :ivar then: what is done on the page before it is looked at.
    """

    name: str
    path: str
    role: Role | None = "reader"
    status: int = 200
    then: Callable[[Page], None] | None = None

    def open(self, page: Page, shelf: Shelf) -> None:
        """:param page: of a visitor of that role."""
        response = page.goto(shelf.url(self.path))
        assert response is not None
        assert response.status == self.status, f"{self.name}: {response.status}"
        if self.then is not None:
            self.then(page)


def _log_in_wrongly(page: Page) -> None:
    log_in(page, "a wrong secret")
    page.get_by_role("alert").wait_for()


def _delete_unconfirmed(page: Page) -> None:
    page.get_by_label("Write the project's name").fill("shrubbery")
    page.get_by_role("button", name="Delete for good").click()
    page.get_by_role("alert").wait_for()


STOPS = [
    Stop("login", "/login/", None),
    Stop("wrong login", "/login/", None, then=_log_in_wrongly),
    Stop("ended login", "/login/?next=/r/local/manage/holygrail/1.1/yank&ended=1", None),
    Stop("home", "/"),
    Stop("home of nobody", "/", None),
    Stop("projects", "/r/local/"),
    Stop("search", "/r/local/search/?q=birds"),
    Stop("search in vain", "/r/local/search/?q=shrubbery"),
    Stop("project", "/r/local/project/holygrail/"),
    Stop("project with rights", "/r/local/project/holygrail/", "writer"),
    Stop("yanked release", "/r/local/project/holygrail/0.9/"),
    Stop("deprecated project", "/r/local/project/dead-parrot/"),
    Stop("hostile project", "/r/local/project/hostile/"),
    Stop("set up", "/r/local/upload/"),
    Stop("yank", "/r/local/manage/holygrail/1.1/yank", "writer"),
    Stop("unyank", "/r/local/manage/holygrail/0.9/unyank", "writer"),
    Stop("delete", "/r/local/manage/holygrail/1.1/delete", "writer"),
    Stop("delete yanked", "/r/local/manage/holygrail/0.9/delete", "writer"),
    Stop("unconfirmed deletion", "/r/local/manage/holygrail/1.1/delete", "writer", then=_delete_unconfirmed),
    Stop("status", "/r/local/manage/dead-parrot/status", "writer"),
    Stop("not here", "/r/local/project/shrubbery/", status=404),
    Stop("release not here", "/r/local/project/holygrail/99/", status=404),
    Stop("no such address", "/nowhere/", status=404),
    Stop("not permitted", "/r/local/manage/holygrail/1.1/delete", status=403),
    Stop("logout", "/logout/"),
]
