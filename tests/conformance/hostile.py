"""Projects with every odd name, version and text that an uploader may choose, published over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pywharf_core.testing import make_sdist, make_wheel
from support.uploads import basic, encode, form_headers, form_of

CONFIG = """
[local]
type = "file_system"
read_secret = "reads"
write_secret = "writes"
extra_index_url = ""
"""
WRITER = ("local", "writes")

SCRIPT = "<script>alert(1)</script>"
BASE = "<base href=//evil.example/>"
TEXTS: Sequence[str] = (
    f'">{SCRIPT}',
    f"'>{BASE}",
    '</a><a href="https://evil.example/odd-9.9-py3-none-any.whl">odd-9.9-py3-none-any.whl</a>',
    "&quot;&#x22;&lt;",
    "--><!-- ]]> %0d%0a \\u0022",
    "zero\u200bwidth \u202egnirts \ufffe \U0001f40d",
    "tab\tand\x0bform\x0cfeed",
)

#: Projects as their uploaders spell them, with their versions.
VERSIONS: Mapping[str, Sequence[str]] = {
    "Odd.Name__x": ["1!2.0+local.1", "1!2.0", "1.0.post1.dev2", "2.0rc1", "0"],
    "equal": ["1.0", "1.0.0"],
    "a": ["2026.11.22"],
}


class Client(Protocol):
    """What sends requests: that of the application in this process, or one for a server in another."""

    def post(self, url: str, /, *, content: bytes, headers: Mapping[str, str]) -> Answer: ...


class Answer(Protocol):
    @property
    def status_code(self) -> int: ...

    @property
    def text(self) -> str: ...


def publish_all(client: Client, folder: Path) -> None:
    files = []
    for name, versions in VERSIONS.items():
        for version in versions:
            files.append(make_wheel(folder, name, version))
            files.append(make_wheel(folder, name, version, build_tag="1abc", python_tag="py2.py3"))
            files.append(make_sdist(folder, name, version))
    files += [hostile_wheel(folder, f"1.{number}", text) for number, text in enumerate(TEXTS)]
    files.append(make_wheel(folder, "hostile", "2.0", requires_python=">=3.8,<4"))
    files.append(make_wheel(folder, "quarantined", "1.0"))
    for file in files:
        answer = client.post("/simple/", content=encode(form_of(file)), headers=form_headers(WRITER))
        assert answer.status_code == 200, answer.text
    for number, text in enumerate(TEXTS):
        _manage(client, f"/manage/hostile/1.{number}/yank", reason=text)
    _manage(client, "/manage/equal/1.0/yank", reason="")
    _manage(client, "/manage/hostile/status", status="deprecated", reason="".join(TEXTS))
    _manage(client, "/manage/quarantined/status", status="quarantined", reason=f'"{SCRIPT}')


def hostile_wheel(folder: Path, version: str, text: str) -> Path:
    """A wheel whose every field of free text is ``text``, on one line."""
    line = " ".join(text.split())
    fields = ["Keywords", "Author", "Author-email", "Maintainer", "License", "Home-page", "Download-URL", "Platform"]
    headers = [(field, line) for field in fields]
    headers += [("Classifier", line), ("Project-URL", f"{line[:20]}, javascript:alert(1)"), ("License-File", line)]
    return make_wheel(folder, "hostile", version, requires_python=line, summary=line, description=text, headers=headers)


def _manage(client: Client, path: str, **fields: str) -> None:
    answer = client.post(path, content=encode(list(fields.items())), headers={**form_headers(), **basic(*WRITER)})
    assert answer.status_code == 200, answer.text
