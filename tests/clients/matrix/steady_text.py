"""What a client said, without what differs from run to run."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_CALLS = re.compile(r"(?<=^Traceback \(most recent call last\):\n)(?:[ \t].*\n)*", re.MULTILINE)
_PROGRESS = re.compile(r"\d+%|[━█⠀-⣿]|\bin [\d.]+ ?m?s\b|[kM]B/s|^ *\d:\d\d:\d\d ")

_REPLACED = (
    (re.compile(rf"{re.escape(tempfile.gettempdir())}/[^\s)]*"), "DIR"),
    (re.compile(r"\b(127\.0\.0\.1|localhost):\d+"), r"\1:PORT"),
    (re.compile(r"(?<=-)[a-z0-9_]{8}(?=\.log\b)"), "ID"),
    (re.compile(r"\b(?!0{64})[0-9a-f]{64}\b"), "SHA256"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "ID"),  # of a request
    (re.compile(r"\b413 Request Entity Too Large"), "413 Content Too Large"),  # before Python 3.13
)


def steady_text(output: str, folder: Path) -> str:
    """No lines of progress and no calls of tracebacks; words in capitals for folders, ports, hashes and other ids.

    :param folder: of all desks.
    """
    text = _CONTROL.sub("", output).replace("\r\n", "\n")
    text = re.sub(rf"(file://)?{re.escape(str(folder))}/[\w-]+", "DIR", text)
    for pattern, word in _REPLACED:
        text = pattern.sub(word, text)
    text = _CALLS.sub("  ...\n", text)
    lines = (line.rpartition("\r")[2].rstrip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line and not _PROGRESS.search(line))
