"""The lines of the page make a shell complete commands."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from docs.code_blocks import DOCS
from support.shell_blocks import blocks, scripts
from support.terminal import Terminal

PAGE = DOCS / "how-to/shell-completion.md"

_COMPLETED = """
COMP_WORDS=({words})
COMP_CWORD=$(({count} - 1))
COMPREPLY=()
_pywharf_completion pywharf
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal(tmp_path_factory.mktemp("terminal"))


def completed(terminal: Terminal, line: str, begin: str) -> set[str]:
    words = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    return set(terminal.type(begin + _COMPLETED.format(words=quoted, count=len(words))).split())


@pytest.mark.slow
@pytest.mark.follows("docs/how-to/shell-completion.md", "Complete commands in a shell")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pywharf ya", {"yank"}),
        ("pywharf set-st", {"set_status"}),
        ("pywharf git", {"github"}),
        ("pywharf github.", {"github.gen_gh_pages", "github.init_pkg_repo"}),
        ("pywharf github ini", {"init_pkg_repo"}),
        ("pywharf yank --re", {"--reason"}),
        ("pywharf set_status local holygrail ar", {"archived"}),
        ("pywharf nosuch", set()),
    ],
)
def test_bash_completes(terminal: Terminal, line: str, expected: set[str]) -> None:
    at_once, from_file = scripts(PAGE, "Complete commands in a shell")
    assert completed(terminal, line, at_once) == expected
    terminal.type(from_file)
    assert completed(terminal, line, ". ~/.bashrc\n") == expected


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_a_script_that_they_can_read(terminal: Terminal, shell: str, tmp_path: Path) -> None:
    [text] = [block.text for block in blocks(PAGE) if block.language == shell]
    found = re.search(rf"_PYWHARF_COMPLETE={shell}_source pywharf", text)
    assert found is not None
    script = tmp_path / "completion"
    script.write_text(terminal.type(found[0]))
    assert "_pywharf_completion" in script.read_text()
    if program := shutil.which(shell):
        assert subprocess.run([program, "-n", script], check=False).returncode == 0
