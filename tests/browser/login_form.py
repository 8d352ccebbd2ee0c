"""The login form, filled in as a person does it."""

from __future__ import annotations

from playwright.sync_api import Page


def log_in(page: Page, secret: str, repository: str = "local") -> None:
    """With the form that the page shows."""
    page.get_by_label("Repository", exact=True).fill(repository)
    page.get_by_label("Secret").fill(secret)
    page.get_by_role("button", name="Log in").click()
