"""Files, downloaded from a project's page by who is logged in."""

from __future__ import annotations

import hashlib
import re

import pytest
from playwright.sync_api import Page, expect

from browser.shelf import Shelf
from support.listing import ACCEPT_JSON, listed

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("filename", ["holygrail-1.1-py3-none-any.whl", "holygrail-1.1.tar.gz"])
def test_a_file_is_downloaded_as_it_was_published(reader: Page, shelf: Shelf, filename: str) -> None:
    sha256 = listed(shelf.server.ask("/simple/holygrail/", shelf.secrets.reader, headers=ACCEPT_JSON).body)[filename]
    reader.goto(shelf.local("/project/holygrail/"))
    expect(reader.get_by_text(sha256)).to_be_visible()
    with reader.expect_download() as downloading:
        reader.get_by_role("link", name=filename, exact=True).click()
    download = downloading.value
    assert download.suggested_filename == filename
    assert hashlib.sha256(download.path().read_bytes()).hexdigest() == sha256
    expect(reader).to_have_url(shelf.local("/project/holygrail/"))


def test_a_stranger_who_was_sent_the_address_of_a_file_is_led_to_the_login(page: Page, shelf: Shelf) -> None:
    page.goto(shelf.local("/simple/holygrail/holygrail-1.1.tar.gz"))
    expect(page).to_have_url(re.compile(r"/login/\?next=/r/local/simple/holygrail/holygrail-1\.1\.tar\.gz$"))
    page.get_by_label("Secret").fill(shelf.secrets.read)
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Log in").click()
    assert downloading.value.suggested_filename == "holygrail-1.1.tar.gz"
