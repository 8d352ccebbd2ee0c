"""A real browser, and pages of a real server in it that complain of nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from browser.chromium import FLAGS
from support.debian_programs import debian_program


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = debian_program("chromium")
    # Chromium has no sandbox for root.
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the consoles of all pages of the test said of errors and warnings; empty at its end, or the test fails."""
    return []


@pytest.fixture
def context_of(chromium: Browser, complaints: list[str]) -> Iterator[Callable[..., BrowserContext]]:
    """Make visitors, each with cookies of its own; the keywords are those of Playwright's ``new_context``."""
    contexts = []

    def make(**settings: object) -> BrowserContext:
        context = chromium.new_context(**settings)  # type: ignore[arg-type]  # as they come
        context.set_default_timeout(15_000)
        context.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def page(context_of: Callable[..., BrowserContext]) -> Page:
    """Of a visitor who was never here."""
    return context_of().new_page()
