"""Every link of every page: followed by readers, writers and anybody, under a prefix and without, each to a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from pywharf_core.testing import make_sdist, make_wheel
from server.browser import Browser
from server.in_process import CONFIG, OTHER_WRITER, WRITER, Application, application
from server.read_page import Page
from support.uploads import basic

README = "# Grail\n\n[here](#grail) [there](docs/x.md) ![cup](cup.png) <https://camelot.test/>\n"


@pytest.fixture(params=["", "/wharf"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Application, str]]:
    """Two repositories with projects of all kinds, ``other`` for anybody; and the prefix."""
    prefix: str = request.param
    config = CONFIG.replace('write_secret = "writes-other"', 'write_secret = "writes-other"\nanonymous_read = true')
    with application(tmp_path / "root", config, path_prefix=prefix) as app:
        dist = tmp_path / "dist"
        headers = [("Description-Content-Type", "text/markdown"), ("Home-page", "https://camelot.test/")]
        for path in (
            make_wheel(
                dist, "HolyGrail", "1.0", description=README, headers=headers, requires_dist=["swallow", "numpy"]
            ),
            make_sdist(dist, "HolyGrail", "1.0"),
            make_wheel(dist, "HolyGrail", "1!2.0+local.1"),
            make_wheel(dist, "swallow", "1.0rc1"),
            make_wheel(dist, "old", "1.0"),
            make_wheel(dist, "bad", "1.0"),
            *(make_sdist(dist, f"filler{number:02}", "1.0") for number in range(60)),
        ):
            assert app.upload(path, to=f"{prefix}/simple/").status_code == 200
        assert app.upload(make_wheel(dist, "swallow", "2.0"), OTHER_WRITER, to=f"{prefix}/simple/").status_code == 200
        for action, fields in (
            ("swallow/1.0rc1/yank", {}),
            ("old/status", {"status": "archived"}),
            ("bad/status", {"status": "quarantined"}),
        ):
            answer = app.client.post(f"{prefix}/manage/{action}", data=fields, headers=basic(*WRITER))
            assert answer.status_code == 200
        yield app, prefix


@pytest.mark.slow
@pytest.mark.parametrize("secret", ["writes", "reads", None])
def test_every_link_leads_to_something(site: tuple[Application, str], secret: str | None) -> None:
    app, prefix = site
    browser = Browser(app)
    if secret is not None:
        answer = browser.post(f"{prefix}/login/", {"repository": "local", "secret": secret})
        assert answer.status_code == 303
    seen, pages, actions = {f"{prefix}/"}, 0, set()
    coming = [f"{prefix}/"]
    while coming:
        address = coming.pop()
        answer = browser.get(address)
        assert answer.status_code == 200, address
        if not answer.headers["content-type"].startswith("text/html") or "/simple/" in address:
            continue
        pages += 1
        page = Page(answer)
        identifiers = {element.get("id") for element in page.root.iter()}
        for link in page.every_link():
            target = urlsplit(urljoin(f"http://testserver{address}", link))
            if target.hostname != "testserver":
                assert target.hostname == "camelot.test", link
                continue
            assert target.path.startswith(f"{prefix}/")
            if link.startswith("#"):
                assert target.fragment in identifiers, f"{link} on {address}"
            path = target.path + (f"?{target.query}" if target.query else "")
            if path not in seen:
                seen.add(path)
                coming.append(path)
        for form in page.all("form"):
            actions.add((form.get("action") or "").removeprefix(prefix))
    assert pages > (70 if secret else 4)
    assert all(action.startswith(("/r/local/", "/r/other/", "/login/", "/logout/")) for action in actions)
    may_write = {action for action in actions if "/manage/" in action}
    assert bool(may_write) is (secret == "writes")
    assert (f"{prefix}/r/local/project/holygrail/" in seen) is (secret is not None)
    assert f"{prefix}/r/other/project/swallow/" in seen
