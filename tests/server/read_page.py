"""A page for people as its reader gets it: parsed as browsers parse, and held to what every page of ours keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

import html5lib
from httpx2 import Response

from support.page_lines import lines_of


class Page:
    """:param answer: whose body is HTML without a single error of syntax; anything else is an ``AssertionError``."""

    def __init__(self, answer: Response) -> None:
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        self.status = answer.status_code
        self.source = answer.text
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        self.root: Element = parser.parse(self.source)
        self._assert_everybody_can_read_it()

    def all(self, *tags: str, within: Element | None = None) -> list[Element]:
        """Elements of these kinds, in their order."""
        return [element for element in (self.root if within is None else within).iter() if element.tag in tags]

    def the(self, tag: str, **attributes: str) -> Element:
        """The only element of the kind with these attributes."""
        [found] = self.having(tag, **attributes)
        return found

    def having(self, tag: str, **attributes: str) -> list[Element]:
        return [
            element
            for element in self.all(tag)
            if all(element.get(name.strip("_")) == value for name, value in attributes.items())
        ]

    @property
    def main(self) -> Element:
        return self.the("main")

    @property
    def heading(self) -> str:
        return text_of(self.the("h1"))

    @property
    def text(self) -> str:
        """What stands in the page itself, without its top and bottom."""
        return text_of(self.main)

    def links(self, within: Element | None = None) -> dict[str, str]:
        """Text by address, of the page itself."""
        return {a.get("href", ""): text_of(a) for a in self.all("a", within=self.main if within is None else within)}

    def every_link(self) -> list[str]:
        return [a.get("href", "") for a in self.all("a")]

    def table(self, caption: str) -> list[dict[str, str]]:
        """Rows of the table with this caption: text by heading."""
        for table in self.all("table"):
            if [text_of(found) for found in self.all("caption", within=table)] == [caption]:
                headings = [text_of(heading) for heading in table.findall("./thead/tr/th")]
                return [dict(zip(headings, map(text_of, row), strict=True)) for row in table.findall("./tbody/tr")]
        raise AssertionError(f"there is no table {caption!r}")

    def lines(self) -> Mapping[str, str]:
        """What is there to be copied, by what it is called."""
        return lines_of(self.source)

    def _assert_everybody_can_read_it(self) -> None:
        assert self.all("html")[0].get("lang") == "en"
        assert len(self.all("h1")) == len(self.all("main")) == len(self.all("header")) == len(self.all("footer")) == 1
        assert text_of(self.the("title"))
        identifiers = [element.get("id") for element in self.root.iter() if "id" in element.attrib]
        assert len(identifiers) == len(set(identifiers)), "an id twice"
        self._assert_all_are_named(set(identifiers))
        levels = [int(element.tag[1]) for element in self.root.iter() if re.fullmatch("h[1-6]", str(element.tag))]
        assert all(lower <= upper + 1 for upper, lower in zip(levels, levels[1:], strict=False)), f"headings {levels}"
        for link in self.all("a"):
            assert text_of(link), f"an empty link to {link.get('href')}"
        for element in self.root.iter():
            assert not [name for name in element.attrib if name == "style" or name.startswith("on")]
        assert not self.all("style", "iframe", "object", "embed", "base")
        assert all(script.get("src", "").startswith("/") and not script.text for script in self.all("script"))

    def _assert_all_are_named(self, identifiers: set[str | None]) -> None:
        labels = {label.get("for") for label in self.all("label")}
        for field in self.all("input", "select", "textarea"):
            assert field.get("type") == "hidden" or field.get("id") in labels, f"{field.attrib} has no label"
        for element in self.root.iter():
            for reference in ("aria-labelledby", "aria-describedby", "for"):
                for identifier in element.get(reference, "").split():
                    assert identifier in identifiers, f"{reference} of {element.tag} leads to no {identifier}"
        for table in self.all("table"):
            if table.find("./caption") is not None:
                assert table.findall("./thead/tr/th"), "a table without headings"
                assert all(heading.get("scope") for heading in self.all("th", within=table))
        navigations = [element.get("aria-label") for element in self.all("nav")]
        assert all(navigations)
        assert len(navigations) == len(set(navigations))


def text_of(element: Element) -> str:
    """Its text as it is read: white space is one space."""
    return " ".join("".join(element.itertext()).split())


def texts(elements: Sequence[Element]) -> list[str]:
    return [text_of(element) for element in elements]
