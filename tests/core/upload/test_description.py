"""The description in a core metadata file."""

from __future__ import annotations

import pytest

from pywharf_core.upload.core_metadata import description_of

HEADERS = b"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n"


@pytest.mark.parametrize(
    ("rest", "description"),
    [
        (b"", ""),
        (b"\n", ""),
        (b"\n\n", ""),
        (b"\nUNKNOWN\n", ""),
        (b"Description: UNKNOWN\n", ""),
        (b"\n# Foo\n\n        code\n", "# Foo\n\n        code\n"),
        ("\nGrüße\n".encode(), "Grüße\n"),
        (b"\nb\xffd\n", "b\ufffdd\n"),
        (b"Description: in the header\n\nin the body\n", "in the body\n"),
        (b"Description: one line\nSummary: x\n", "one line"),
        (b"Description: Foo\n        ===\n        \n            code\nSummary: x\n", "Foo\n===\n\n    code"),
        (b"Description: Foo\n       |===\n       |\n       |    code\n\n", "Foo\n===\n\n    code"),
        (b"Description: Foo\n\t===\n  indented by little\n", "Foo\n===\nindented by little"),
    ],
)
def test_it_is_read_as_it_was_written(rest: bytes, description: str) -> None:
    assert description_of(HEADERS + rest) == description


def test_lines_may_end_as_on_windows() -> None:
    folded = HEADERS + b"Description: Foo\n        ===\n\n"
    assert description_of(folded.replace(b"\n", b"\r\n")) == "Foo\n==="
