"""Who another index's addresses belong to, and what is shown of them."""

from __future__ import annotations

import pytest

from pywharf_core.errors import SourceUnusable
from pywharf_core.transfer.web import Web, shown


@pytest.mark.parametrize(
    ("index", "address", "is_own"),
    [
        ("https://a.test/simple/", "https://a.test/files/x.whl", True),
        ("https://alice:secret@a.test/simple", "https://a.test:443/x", True),
        ("http://a.test/simple/", "https://a.test/x", True),  # TLS begins on the way
        ("http://a.test:80/simple/", "https://a.test:443/x", True),
        ("https://a.test/simple/", "http://a.test/x", False),
        ("http://a.test:8080/simple/", "https://a.test/x", False),
        ("https://a.test/simple/", "https://a.test:8443/x", False),
        ("https://a.test/simple/", "https://b.test/x", False),
        ("https://a.test/simple/", "https://a.test.b.test/x", False),
        ("https://a.test/simple/", "https://a.test@b.test/x", False),
        ("https://a.test/simple/", "https://a.test:x/", False),
        ("https://a.test/simple/", "//a.test/x", False),
    ],
)
def test_credentials_belong_to_one_origin(index: str, address: str, is_own: bool) -> None:
    assert Web(index).is_own(address) is is_own


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    assert Web("https://alice:secret@a.test/simple").url == "https://a.test/simple/"
    assert shown("https://alice:secret@a.test/x?signature=s#sha256=0") == "https://a.test/x"
    assert shown("https://[::1") == "an address that is none"


@pytest.mark.parametrize("url", ["https://a.test:99999/", "https://:80/", "https://[::1", "https:///simple/"])
def test_what_is_no_address_is_one_sentence(url: str) -> None:
    with pytest.raises(SourceUnusable, match="is not the address of a simple index"):
        Web(url)
