"""What a client said, without what differs from run to run."""

from __future__ import annotations

import re
from pathlib import Path

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_SERVER = re.compile(r"\b(127\.0\.0\.1|localhost):\d+")
_REQUEST = re.compile(r"\b[0-9a-f]{16}\b")
_PROGRESS = re.compile(r"\d+%|[━█]|\bin [\d.]+ ?m?s\b|[kM]B/s")


def steady_text(output: str, folder: Path) -> str:
    """Ports become ``PORT``, what is in ``folder`` is in ``DIR``, ids of requests ``ID``; no lines of progress.

    :param folder: of all runs; each has a folder of its own in it.
    """
    text = _ANSI.sub("", output)
    text = re.sub(rf"(file://)?{re.escape(str(folder))}/[\w-]+", "DIR", text)
    text = _SERVER.sub(r"\1:PORT", text)
    text = _REQUEST.sub("ID", text)
    lines = (line.rpartition("\r")[2].rstrip() for line in text.replace("\r\n", "\n").split("\n"))
    return "\n".join(line for line in lines if line and not _PROGRESS.search(line))
