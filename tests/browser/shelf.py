"""What the repository ``local`` holds in browser tests and in the screenshots of the docs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from playwright.sync_api import StorageState

from pywharf_core.testing import make_sdist, make_wheel
from support.initialised import Initialised, initialise
from support.running_server import RunningServer, running_server
from support.uploads import encode, form_headers, form_of

FORM = {"Content-Type": "application/x-www-form-urlencoded"}

README = """\
# holygrail

Finds the grail, or says **who** took it.

```python
from holygrail import seek

seek(quest="the grail", colour="blue")
```

| bird    | speed   |
|---------|---------|
| african | unladen |

1. Bring out the [swallow](https://example.org/swallow).
2. Ask `coconut`.
"""

HOSTILE = """\
<script>document.title = 'taken'; console.error('a script ran')</script>
<img src=x onerror="console.error('a handler ran')">
<style>body { display: none }</style>
[press](javascript:console.error%28%27a%20link%20ran%27%29)
<form action="https://example.org/steal"><input name="secret"></form>
"""


@dataclass(frozen=True)
class Distribution:
    name: str
    version: str
    summary: str
    readme: str = ""
    requires: Sequence[str] = ()
    headers: Sequence[tuple[str, str]] = ()
    padding: int = 0

    def make(self, folder: Path) -> Sequence[Path]:
        """A wheel and an sdist."""
        return [
            make(
                folder,
                self.name,
                self.version,
                summary=self.summary,
                requires_python=">=3.9",
                requires_dist=self.requires,
                description=self.readme or None,
                headers=[("Description-Content-Type", "text/markdown"), *self.headers],
                padding=self.padding,
            )
            for make in (make_wheel, make_sdist)
        ]


_HEADERS = [
    ("Author-email", "Brian of Nazareth <brian@example.org>"),
    ("License-Expression", "MIT"),
    ("Keywords", "quest,grail"),
    ("Classifier", "Programming Language :: Python :: 3"),
    ("Classifier", "Topic :: Games/Entertainment"),
    ("Project-URL", "Documentation, https://example.org/holygrail/docs"),
    ("Project-URL", "Source, https://example.org/holygrail/source"),
    ("Provides-Extra", "rabbit"),
]
_NEEDS = ["swallow>=1", "requests>=2.32; python_version >= '3.9'", "coconut; extra == 'rabbit'"]
_HOSTILE_HEADERS = [
    ("Author", "<script>console.error('an author ran')</script>"),
    ("Project-URL", "Press <b>me</b>, javascript:console.error('a link ran')"),
    ("Home-page", "javascript:console.error('home ran')"),
    ("Keywords", "\u202edesrever"),
    ("License", "<img src=x onerror=console.error('a licence ran')>"),
]

DISTRIBUTIONS = [
    *(
        Distribution("HolyGrail", version, "Finds the grail, or says who took it", README, _NEEDS, _HEADERS, padding)
        for version, padding in (("0.9", 1_000), ("1.0", 40_000), ("1.1", 52_000), ("2.0rc1", 1_200_000))
    ),
    Distribution("swallow", "1.4.2", "Air-speed of laden and unladen birds", "# swallow\n\nAfrican or European?\n"),
    Distribution("coconut", "0.3", "Migrates", "Two halves.\n"),
    Distribution("dead-parrot", "9.0", "Pining for the fjords"),
    Distribution("acme-tools", "2026.11", "Tools that every team of Acme has", "# Tools\n"),
    Distribution("hostile", "1.0", "<script>console.error('a summary ran')</script>", HOSTILE, (), _HOSTILE_HEADERS),
]


Role = Literal["reader", "writer"]


@dataclass(frozen=True)
class Shelf:
    """A running server with the one repository ``local``.

    :ivar prefix: in front of all its paths; the server's address has it, too.
    """

    server: RunningServer
    secrets: Initialised
    prefix: str = ""
    _cookies: dict[Role, str] = field(default_factory=dict)

    def url(self, path: str = "/") -> str:
        return f"{self.server.url}{path}"

    def local(self, path: str = "/") -> str:
        """Of a path of the repository."""
        return self.url(f"/r/local{path}")

    def secret(self, role: Role) -> str:
        return self.secrets.read if role == "reader" else self.secrets.write

    def session(self, role: Role, headers: Mapping[str, str] | None = None) -> StorageState:
        """A login, for Playwright's ``storage_state``: the same for all who ask."""
        if role not in self._cookies:
            form = urlencode({"repository": "local", "secret": self.secret(role)}).encode()
            answer = self.server.ask(
                f"{self.prefix}/login/", method="POST", body=form, headers={**FORM, **(headers or {})}
            )
            assert answer.status == 303, answer.text
            self._cookies[role] = answer.headers["set-cookie"]
        (cookie,) = SimpleCookie(self._cookies[role]).values()
        return {
            "cookies": [
                {
                    "name": cookie.key,
                    "value": cookie.value,
                    "domain": self.server.host,
                    "path": cookie["path"],
                    "httpOnly": bool(cookie["httponly"]),
                    "secure": bool(cookie["secure"]),
                    "sameSite": cookie["samesite"],
                }
            ]
        }


@contextmanager
def started(folder: Path, *flags: str, prefix: str = "") -> Iterator[Shelf]:
    """An empty one.

    :param folder: empty, too.
    """
    secrets = initialise(folder / "root")
    with running_server(folder / "root", "--extra_index_url", "", *flags) as server:
        yield Shelf(server, secrets, prefix)


@contextmanager
def stocked(folder: Path, *flags: str, prefix: str = "") -> Iterator[Shelf]:
    """With everything that stands above."""
    with started(folder, *flags, prefix=prefix) as shelf:
        fill(shelf.server, shelf.secrets, folder / "dist")
        yield shelf


def fill(
    server: RunningServer, secrets: Initialised, folder: Path, distributions: Sequence[Distribution] = DISTRIBUTIONS
) -> None:
    """Publish them, and mark what is to be marked."""
    for path in [path for each in distributions for path in each.make(folder)]:
        publish(server, secrets.writer, path)
    for change, form in (
        ("/manage/holygrail/0.9/yank", b"reason=Loses+the+grail"),
        ("/manage/dead-parrot/status", b"status=deprecated&reason=It+is+no+more"),
    ):
        answer = server.ask(change, secrets.writer, method="POST", body=form, headers=FORM)
        assert answer.status == 200, answer.text


def publish(server: RunningServer, credentials: tuple[str, str], path: Path) -> None:
    body = encode(form_of(path))
    answer = server.ask("/simple/", credentials, method="POST", body=body, headers=form_headers())
    assert answer.status == 200, answer.text
