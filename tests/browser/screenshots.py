"""``python -m browser.screenshots [FOLDER]``: pictures of the pages for the docs, the same ones whenever they are made."""

from __future__ import annotations

import io
import itertools
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image, ImageChops
from playwright.sync_api import Browser, Page

from browser.chromium import chromium
from browser.looks import LOOKS, Look
from browser.shelf import DISTRIBUTIONS, Shelf, fill
from browser.tour import STOPS, Stop
from docs.code_blocks import DOCS
from support.initialised import Initialised, initialise
from support.running_server import running_server

HOST = "packages.example.org"
# The first is not on the shelf of the pictures; of the second one sees without scrolling what a reader sees.
_NOT_PICTURED = ("hostile project", "project with rights")
PICTURED = [
    *(stop for stop in STOPS if stop.name not in _NOT_PICTURED),
    Stop("files", "/r/local/project/holygrail/#files", "writer"),
]
OF_A_NEW_SERVER = [Stop("no configuration", "/", None), Stop("not ready", "/r/local/", None, status=503)]

_FIRST_UPLOAD = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_COLOURS = 128  # of a picture; more are not told apart
_UNSEEN = 16  # of 255, the most that a part of a pixel's colour may differ

# What is another at every moment, or on every machine.
_STEADY = """() => {
  for (const time of document.querySelectorAll("footer time")) time.textContent = "2026-11-22 17:05 UTC";
  for (const code of document.querySelectorAll(".error code")) code.textContent = "3d0ea18000c3c1a8";
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    if (/ago/.test(text.data)) text.data = text.data.replace(/[0-9]+ \\w+ ago/, "12 seconds ago");
  }
}"""


def main(folder: Path) -> None:
    """Write them all, and tell their sizes."""
    folder.mkdir(parents=True, exist_ok=True)
    total = 0
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        for stops, shelf_in in ((PICTURED, _shelf), (OF_A_NEW_SERVER, _new_server)):
            with shelf_in(Path(scratch)) as shelf:
                for stop, look in itertools.product(stops, LOOKS):
                    path = folder / filename(stop, look)
                    new = _is_new(path, picture := _picture(browser, shelf, stop, look))
                    if new:
                        path.write_bytes(picture)
                    total += path.stat().st_size
                    print(f"{path.name}: {path.stat().st_size:,} bytes{', new' if new else ''}", flush=True)
    print(f"{total:,} bytes in all")


def filename(stop: Stop, look: Look) -> str:
    return f"{stop.name.replace(' ', '-')}-{look.name}.png"


def _is_new(path: Path, picture: bytes) -> bool:
    """Whether an eye could tell it from the one that is there: edges of letters are a little different each time."""
    if not path.is_file():
        return True
    before, after = (Image.open(source).convert("RGB") for source in (path, io.BytesIO(picture)))
    if before.size != after.size:
        return True
    return max(ImageChops.difference(before, after).tobytes()) > _UNSEEN


@contextmanager
def _shelf(folder: Path) -> Iterator[Shelf]:
    """Without the package that is there for tests alone; everything uploaded on days that stay the same."""
    secrets = initialise(folder / "root")
    with running_server(folder / "root") as server:
        fill(server, secrets, folder / "dist", [each for each in DISTRIBUTIONS if each.name != "hostile"])
    _date_uploads(folder / "root")
    proxy = ("--trusted_proxy", "127.0.0.1")
    with running_server(folder / "root", *proxy, "--extra_index_url", "https://pypi.example.org/simple") as server:
        yield Shelf(server, secrets)


@contextmanager
def _new_server(folder: Path) -> Iterator[Shelf]:
    """Without a configuration, so nobody can log in."""
    with running_server(folder / "new", "--trusted_proxy", "127.0.0.1", ready=False) as server:
        yield Shelf(server, Initialised(folder / "new", "", "", ""))


def _date_uploads(root: Path) -> None:
    """Three days between the projects' releases, by the sidecars that the store keeps."""
    order = [f"{each.name.lower().replace('-', '_')}-{each.version}" for each in DISTRIBUTIONS]
    for sidecar in root.glob("cache/local/storage/*/*.meta"):
        release = next(number for number, name in enumerate(order) if sidecar.name.startswith((f"{name}-", f"{name}.")))
        uploaded = _FIRST_UPLOAD + timedelta(days=17 * release)
        told = f'"upload_time":"{uploaded:%Y-%m-%dT%H:%M:%SZ}"'
        text = re.sub(r'"upload_time":"[^"]*"', told, sidecar.read_text())
        sidecar.write_text(text)


def _picture(browser: Browser, shelf: Shelf, stop: Stop, look: Look) -> bytes:
    """A PNG of what is seen without scrolling."""
    # As a visitor whose way leads through a proxy with TLS.
    through = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": HOST}
    with browser.new_context(extra_http_headers=through) as visitor:
        if stop.role is not None:
            cookie = shelf.session(stop.role, through)
            visitor.add_cookies(cookie["cookies"])  # type: ignore[arg-type]  # the same keys in two types
        page = visitor.new_page()
        look.apply(page)
        stop.open(page, shelf)
        _wait_for_everything(page)
        page.evaluate(_STEADY)
        return _small(page.screenshot())


def _wait_for_everything(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")


def _small(png: bytes) -> bytes:
    image = Image.open(io.BytesIO(png)).convert("RGB")
    output = io.BytesIO()
    image.quantize(_COLOURS, dither=Image.Dither.NONE).save(output, "PNG", optimize=True)
    return output.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS / "screenshots")
