"""Sanitised HTML made fit to stand within our page: one heading order, no foreign images, no ids or classes of ours.

What comes in was written by `nh3` and so is well-formed; what was written in the description decides nothing but text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

from pygments.token import STANDARD_TYPES

from pywharf.pages.text import visible
from pywharf.readme.links import outside_link

ID_PREFIX = "user-content-"  # as readme-renderer writes them

_DEEPEST = 60  # elements within each other: what is deeper stands in the one above
_FIRST_HEADING = 3  # of the description: h1 is the project's name, h2 says that this is its description
_VOID = {"br", "col", "hr", "img", "input"}
_OTHER_TAGS = {
    **dict.fromkeys(("aside", "figcaption", "figure", "nav", "section"), "div"),
    "acronym": "abbr",
    "tt": "code",
}
_UNWRAPPED = {"picture"}
_ATTRIBUTES = {
    "abbr": {"title"},
    "a": {"title"},
    "col": set[str](),
    "ol": {"start"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan"},
    **{tag: {"align"} for tag in ("div", "p", "h1", "h2", "h3", "h4", "h5", "h6")},
}
_NUMBERS = ("colspan", "rowspan", "start")
_NUMBER = re.compile(r"[0-9]{1,4}\Z")
_ID = re.compile(r"[^\s\x00-\x1f\"'<>&]{1,200}\Z")

# Those of highlighted code and of boxes; all are styled below `.readme` only.
_ADMONITIONS = {"note", "tip", "hint", "important", "warning", "caution", "attention", "danger"}
_CLASSES = {*STANDARD_TYPES.values(), "admonition", "admonition-title"} - {""}


@dataclass(slots=True)
class _Element:
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[_Element | str] = field(default_factory=list)


def rewrite(html: str) -> str:
    """The same document, fit to stand in ours."""
    tree = _Tree()
    tree.feed(html)
    tree.close()
    levels = [int(element.tag[1]) for element in _elements(tree.root) if re.fullmatch("h[1-6]", element.tag)]
    writer = _Writer(shift=_FIRST_HEADING - min(levels, default=1), ids=_ids(tree.root))
    writer.write_children(tree.root, linked=False)
    return "".join(writer.pieces)


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Element("root")
        self._open = [self.root]
        self._too_deep = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = _Element(tag, {name: value or "" for name, value in attrs})
        if tag in _VOID:
            self._open[-1].children.append(element)
        elif len(self._open) > _DEEPEST:
            self._too_deep += 1
        else:
            self._open[-1].children.append(element)
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if self._too_deep:
            self._too_deep -= 1
        elif len(self._open) > 1:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def _elements(parent: _Element) -> Iterator[_Element]:
    for child in parent.children:
        if isinstance(child, _Element):
            yield child
            yield from _elements(child)


def _ids(root: _Element) -> set[str]:
    return {prefixed(element.attributes["id"]) for element in _elements(root) if "id" in element.attributes}


def prefixed(identity: str) -> str:
    """Never one of our page's own ids."""
    return identity if identity.startswith(ID_PREFIX) else f"{ID_PREFIX}{identity}"


class _Writer:
    """:ivar pieces: of the text."""

    def __init__(self, *, shift: int, ids: set[str]) -> None:
        self.pieces: list[str] = []
        self._shift = shift
        self._ids = ids
        self._used: set[str] = set()

    def write_children(self, parent: _Element, *, linked: bool) -> None:
        """:param linked: they stand in a link, so none of them may be one."""
        for child in parent.children:
            if isinstance(child, str):
                self.pieces.append(escape(visible(child)))
            else:
                self._write(child, linked=linked)

    def _write(self, element: _Element, *, linked: bool) -> None:
        match element.tag:
            case "img":
                self._write_image(element, linked=linked)
            case "input":
                self._write_box(element)
            case "a":
                self._write_link(element, linked=linked)
            case "table":
                # Keyboards scroll what has the focus.
                self.pieces.append('<div class="table-frame" tabindex="0" role="group" aria-label="Table">')
                self._write_plainly(element, "table", linked=linked)
                self.pieces.append("</div>")
            case tag if tag in _UNWRAPPED:
                self.write_children(element, linked=linked)
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._write_plainly(element, f"h{min(6, int(element.tag[1]) + self._shift)}", linked=linked)
            case tag:
                self._write_plainly(element, _OTHER_TAGS.get(tag, tag), linked=linked)

    def _write_plainly(self, element: _Element, tag: str, *, linked: bool) -> None:
        self._open(element, tag)
        if tag not in _VOID:
            self.write_children(element, linked=linked)
            self.pieces.append(f"</{tag}>")

    def _open(self, element: _Element, tag: str, **attributes: str) -> None:
        given = element.attributes
        for name in sorted(_ATTRIBUTES.get(element.tag, ())):
            value = given.get(name)
            if value is not None and (name not in _NUMBERS or _NUMBER.match(value)):
                attributes[name] = value
        if tag == "pre":
            attributes["tabindex"] = "0"
        if tag == "th":
            attributes["scope"] = "col"
        if classes := _classes(given.get("class", "").split()):
            attributes["class"] = " ".join(classes)
        identity = prefixed(given["id"]) if _ID.match(given.get("id", "")) else None
        if identity is not None and identity not in self._used:
            self._used.add(identity)
            attributes["id"] = identity
        written = (f' {name}="{escape(visible(value))}"' for name, value in attributes.items())
        self.pieces.append(f"<{tag}{''.join(written)}>")

    def _write_link(self, element: _Element, *, linked: bool) -> None:
        if not _says_something(element):  # such as those that headings have to themselves
            if "id" in element.attributes:
                self._write_plainly(element, "span", linked=linked)
            return
        href = element.attributes.get("href", "")
        if href.startswith("#"):
            address = f"#{prefixed(href[1:])}" if prefixed(href[1:]) in self._ids else None
        else:
            address = outside_link(href)
        if linked or address is None:
            self._write_plainly(element, "span", linked=linked)
            return
        rel = {} if address.startswith("#") else {"rel": "nofollow noopener"}
        self._open(element, "a", href=address, **rel)
        self.write_children(element, linked=True)
        self.pieces.append("</a>")

    def _write_image(self, element: _Element, *, linked: bool) -> None:
        """No page of ours fetches anything from elsewhere: what the image is called stands there, and leads to it."""
        source = outside_link(element.attributes.get("src", ""))
        name = _name_of_image(element)
        if linked or source is None:
            self.pieces.append(f'<span class="image">{escape(name)}</span>')
        else:
            rel = 'rel="nofollow noopener"'
            self.pieces.append(f'<a class="image" href="{escape(source)}" {rel} title="An image">{escape(name)}</a>')

    def _write_box(self, element: _Element) -> None:
        """A checkbox of a list of tasks; nobody can tick it here."""
        if element.attributes.get("type") == "checkbox":
            done = "checked" in element.attributes
            self.pieces.append(
                f'<span role="img" aria-label="{"done" if done else "to do"}">{"☑" if done else "☐"}</span>'
            )


def _classes(names: list[str]) -> list[str]:
    boxes = _ADMONITIONS if "admonition" in names else set()
    return [name for name in names if name in _CLASSES or name in boxes]


def _name_of_image(element: _Element) -> str:
    name = element.attributes.get("alt", "").strip()
    if not name:
        try:
            path = urlsplit(element.attributes.get("src", "")).path
        except ValueError:
            path = ""
        name = unquote(path.rstrip("/").rpartition("/")[2])
    return visible(name[:200]) or "image"


def _says_something(element: _Element) -> bool:
    return any(
        child.strip() if isinstance(child, str) else child.tag == "img" or _says_something(child)
        for child in element.children
    )
