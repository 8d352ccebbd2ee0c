"""What a page for people has ready to be copied."""

from __future__ import annotations

from collections.abc import Mapping

import html5lib


def lines_of(page: str) -> Mapping[str, str]:
    """Text by what it is called.

    :param page: HTML.
    """
    root = html5lib.parse(page, namespaceHTMLElements=False)
    return {
        element.get("data-copy", ""): "".join(next(element.iter("code")).itertext())
        for element in root.iter()
        if "data-copy" in element.attrib
    }
