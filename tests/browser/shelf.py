"""What the repository ``local`` holds in browser tests and in the screenshots of the docs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pywharf_core.testing import make_sdist, make_wheel
from support.initialised import Initialised
from support.running_server import RunningServer
from support.uploads import encode, form_headers, form_of

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


def fill(server: RunningServer, secrets: Initialised, folder: Path) -> None:
    """Publish everything, and mark what is to be marked."""
    for each in DISTRIBUTIONS:
        headers = [("Description-Content-Type", "text/markdown"), *each.headers]
        for make in (make_wheel, make_sdist):
            path = make(
                folder,
                each.name,
                each.version,
                summary=each.summary,
                requires_python=">=3.9",
                requires_dist=each.requires,
                description=each.readme or None,
                headers=headers,
                padding=each.padding,
            )
            publish(server, secrets, path)
    for path, form in (
        ("/manage/holygrail/0.9/yank", b"reason=Loses+the+grail"),
        ("/manage/dead-parrot/status", b"status=deprecated&reason=It+is+no+more"),
    ):
        answer = server.ask(
            path,
            secrets.writer,
            method="POST",
            body=form,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status == 200, answer.text


def publish(server: RunningServer, secrets: Initialised, path: Path) -> None:
    body = encode(form_of(path))
    answer = server.ask("/simple/", secrets.writer, method="POST", body=body, headers=form_headers())
    assert answer.status == 200, answer.text
