"""A server that is new: what a person who opens it reads, and what there is to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.axe import audit
from browser.conftest import Visit
from browser.shelf import started
from support.running_server import running_server

pytestmark = pytest.mark.slow


def test_a_server_without_a_configuration_says_how_to_give_it_one(page: Page, tmp_path: Path) -> None:
    with running_server(tmp_path / "root", ready=False) as server:
        page.goto(server.url)
        expect(page.get_by_role("heading", level=1)).to_contain_text("no repositories yet")
        expect(page.get_by_role("main")).to_contain_text(f"curl -F config=@config.toml {server.url}/initialize/")
        expect(page.get_by_role("main")).to_contain_text("pywharf init ROOT")
        found = audit(page)
        assert [*found.violations, *found.unclear] == []


def test_an_empty_repository_shows_a_writer_how_to_publish(visit: Visit, tmp_path: Path) -> None:
    with started(tmp_path) as shelf:
        page = visit(storage_state=shelf.session("writer")).new_page()
        page.goto(shelf.url())
        expect(page.get_by_role("main")).to_contain_text("You may publish to it.")
        page.get_by_role("link", name="Projects of local").click()
        expect(page.get_by_role("main")).to_contain_text("Nothing is published here yet.")
        found = audit(page)
        assert [*found.violations, *found.unclear] == []
        page.get_by_role("link", name="How to publish").click()
        expect(page).to_have_url(shelf.local("/upload/"))
        expect(page.get_by_role("main")).to_contain_text("twine upload --repository-url")
