"""Commands that pages tell their readers to run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.repository_copy import REPOSITORY

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)$")
_HEADING = re.compile(r"^(?P<marks>#{1,6}) (?P<text>.+)$")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    :ivar headings: those above it, the outermost first.
    :ivar info: what stands behind the opening fence.
    :ivar generated: the program itself wrote it into the page.
    """

    headings: Sequence[str]
    info: str
    text: str
    generated: bool

    @property
    def language(self) -> str:
        return self.info.partition(" ")[0]

    @property
    def titled(self) -> bool:
        """It is a file, which is tested as such."""
        return "title=" in self.info


#: What tests of this process asked for: a page, from the repository on, and a heading.
followed: set[tuple[str, str]] = set()


def commands(page: Path, heading: str) -> Sequence[str]:
    """The commands of the one shell block below a heading; one that goes on in the next line is one string.

    A test that runs them says so by ``pytest.mark.follows``.
    """
    return script(page, heading).replace("\\\n", "").splitlines()


def script(page: Path, heading: str) -> str:
    """The text of the one shell block below a heading, for what is more than a command a line."""
    found = scripts(page, heading)
    assert len(found) == 1, f"one block of commands is expected below {heading!r} of {page.name}"
    return found[0]


def scripts(page: Path, heading: str) -> Sequence[str]:
    """The texts of all shell blocks below a heading."""
    followed.add((page.relative_to(REPOSITORY).as_posix(), heading))
    return [block.text for block in blocks(page) if block.language == "sh" and heading in block.headings]


def blocks(page: Path) -> Iterator[Block]:
    """All fenced blocks of a page."""
    headings: list[tuple[int, str]] = []
    generated, opening, lines = False, None, list[str]()
    for line in page.read_text(encoding="utf-8").splitlines():
        fence = _FENCE.match(line)
        if opening is not None:
            if fence and fence["fence"].startswith(opening["fence"]) and not fence["info"].strip():
                yield Block([text for _, text in headings], opening["info"].strip(), "".join(lines), generated)
                opening = None
            else:
                lines.append(f"{line.removeprefix(opening['indent'])}\n")
        elif fence:
            opening, lines = fence, []
        elif heading := _HEADING.match(line):
            level = len(heading["marks"])
            headings = [*(known for known in headings if known[0] < level), (level, heading["text"])]
        elif line.startswith(("<!-- generated:", "<!-- found:")):
            generated = True
        elif line == "<!-- end -->":
            generated = False
    assert opening is None, f"{page.name}: a fence is not closed"
