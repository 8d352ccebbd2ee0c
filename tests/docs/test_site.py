"""The pages make a site, strictly; whoever reads it is sent nowhere else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.code_blocks import DOCS

pytestmark = pytest.mark.slow

PAGES = sorted(path.relative_to(DOCS) for path in DOCS.rglob("*.md"))

#: Attributes by which a page makes a browser fetch something, and the same of style sheets.
_FETCHED = re.compile(r"""<(?:script|link|img|iframe|source|audio|video)\b[^>]*?\b(?:src|href|srcset)="([^"]*)\"""")
_FETCHED_BY_STYLE = re.compile(r"""@import\s+["']?([^"';)]+)|url\(\s*["']?([^"')]+)""")
_ELSEWHERE = re.compile(r"(?:[a-z]+:)?//", re.IGNORECASE)


def build(pages: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """As ``nox -s site`` does."""
    flags = ["-W", "-n", "-q", "-b", "html", "-d", str(site / "doctrees")]
    command = [sys.executable, "-m", "sphinx", *flags, str(pages), str(site)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(DOCS, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_in_the_site_and_in_its_navigation(site: Path) -> None:
    navigation = (site / "genindex.html").read_text(encoding="utf-8").partition('class="sidebar-tree"')[2]
    for page in PAGES:
        path = page.with_suffix(".html").as_posix()
        assert (site / path).is_file()
        assert page.name == "index.md" or f'href="{path}"' in navigation, f"{page} is not in the navigation"


def test_the_navigation_has_the_parts_of_the_index(site: Path) -> None:
    sections = re.findall(r"^## (.+)$", (DOCS / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    shown = re.findall(r'<span class="caption-text">(.+?)</span>', (site / "index.html").read_text(encoding="utf-8"))
    assert sections == ["Tutorials", "How to", "Reference", "Explanation"]
    assert list(dict.fromkeys(shown)) == sections


def test_no_page_and_no_style_of_the_site_fetches_anything_from_elsewhere(site: Path) -> None:
    fetched = []
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        fetched += [(path.name, link) for link in _FETCHED.findall(text) if 'rel="canonical"' not in link]
    for path in site.rglob("*.css"):
        for found in _FETCHED_BY_STYLE.findall(path.read_text(encoding="utf-8")):
            fetched.append((path.name, "".join(found)))
    assert fetched
    assert not [(name, link) for name, link in fetched if _ELSEWHERE.match(link)]


def test_a_block_of_code_with_a_title_shows_it_and_is_what_the_page_says(site: Path) -> None:
    shown = (site / "writing-a-backend.html").read_text(encoding="utf-8")
    assert re.search(r'class="caption-text">pyproject\.toml<', shown)
    text = re.sub(r"<[^>]+>", "", shown)
    assert "\n    def open_object(self, key: str)" in text, "methods stay inside their class"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[nowhere](no-such-page.md)", "no-such-page.md"),
        ("[nowhere](second.md#no-such-heading)", "no-such-heading"),
        ("[nowhere](#no-such-heading)", "no-such-heading"),
        ("```{no-such-directive}\n```", "no-such-directive"),
    ],
)
def test_what_leads_nowhere_fails_the_build(tmp_path: Path, text: str, complaint: str) -> None:
    pages = pages_with(tmp_path, text)
    done = build(pages, tmp_path / "site")
    assert done.returncode != 0
    assert complaint in done.stderr


def test_a_page_that_the_index_does_not_name_fails_the_build(tmp_path: Path) -> None:
    pages = pages_with(tmp_path, "[fine](second.md#more)")
    assert build(pages, tmp_path / "site").returncode == 0
    (pages / "hidden.md").write_text("# Hidden\n", encoding="utf-8")
    done = build(pages, tmp_path / "site")
    assert done.returncode != 0
    assert "hidden.md" in done.stderr


def pages_with(folder: Path, text: str) -> Path:
    """Three small pages; ``text`` stands on the first."""
    pages = folder / "docs"
    pages.mkdir()
    (pages / "conf.py").write_text((DOCS / "conf.py").read_text(encoding="utf-8"), encoding="utf-8")
    (pages / "index.md").write_text("# Index\n\n## How to\n\n- [A](first.md)\n- [B](second.md)\n", encoding="utf-8")
    (pages / "first.md").write_text(f"# First\n\n{text}\n", encoding="utf-8")
    (pages / "second.md").write_text("# Second\n\n## More\n", encoding="utf-8")
    return pages
