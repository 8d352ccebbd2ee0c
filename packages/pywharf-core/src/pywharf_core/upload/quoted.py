"""Words of the uploader inside a sentence of ours."""

from __future__ import annotations

_LONGEST = 100  # characters; a sentence stays one line in twine's and uv's output


def quoted(text: str) -> str:
    """``text`` in quotes on one line, control characters escaped, the middle of a long one left out."""
    if len(text) > _LONGEST:
        half = _LONGEST // 2 - 2
        text = f"{text[:half]}...{text[-half:]}"
    return repr(text)
