"""The remote index on the page is one."""

from __future__ import annotations

import re

from docs.code_blocks import DOCS
from pywharf_core.index.document import decode_main


def test_the_example_is_read_as_an_index() -> None:
    page = (DOCS / "remote-index.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    content = decode_main(example.encode())
    assert content is not None
    assert [file.filename for file in content.files.values()] == ["holygrail-1.0-py3-none-any.whl"]
    assert [dead.filename for dead in content.deleted.values()] == ["holygrail-0.9-py3-none-any.whl"]
    assert content.projects["holygrail"].reserved
