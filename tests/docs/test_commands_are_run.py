"""Whatever command of pywharf, pip, uv or twine a page shows, a test runs it, or at least looks whether it is one."""

from __future__ import annotations

import ast
import functools
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest

from docs.code_blocks import DOCS
from pywharf_core.cli.root import make_root
from pywharf_core.plugins import load_plugins
from support.shell_blocks import blocks

ROOT = DOCS.parent
TESTS = ROOT / "tests"
PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for path in sorted([ROOT / "README.md", *ROOT.glob("packages/*/README.md"), *DOCS.rglob("*.md")])
}

_COMMAND = re.compile(r"^\s*(?:[$>] )?(?:sudo )?(?:\S*/)?(?:pywharf|pip|uv|twine) +(?!uv|twine)[a-z-]", re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`((?:pywharf|pip|uv|twine) [^`]+)`(?!`)")


@functools.cache
def followed() -> Mapping[str, set[str]]:
    """The headings of each page whose commands a test says it runs; ``tests/conftest.py`` sees to it that it does."""
    found: dict[str, set[str]] = {}
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for page, *headings in _marks(node):
                    found.setdefault(page, set()).update(headings)
    return found


def _marks(function: ast.FunctionDef) -> Iterator[list[str]]:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.follows":
            yield [ast.literal_eval(argument) for argument in decorator.args]


@functools.cache
def sources_of_tests() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py"))


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_every_block_are_run(page: str) -> None:
    known = followed().get(page, set())
    idle = []
    for block in blocks(PAGES[page]):
        if block.generated:
            continue
        if block.titled:
            name = page.removeprefix("docs/")
            assert f'"{name}"' in sources_of_tests(), "no test reads the files on this page"
        elif block.language == "sh":
            if not known & set(block.headings):
                idle.append(block)
        else:
            command = _COMMAND.search(block.text)
            assert command is None, f"`{command[0].strip()}…` should stand in a block of sh, which a test runs"
    assert not idle, f"no test runs what stands below {[block.headings[-1] for block in idle]}"


def test_every_mark_is_about_commands_that_are_there() -> None:
    for page, headings in followed().items():
        assert page in PAGES, page
        there = {heading for block in blocks(PAGES[page]) if block.language == "sh" for heading in block.headings}
        assert headings <= there, f"{page} has no commands below {headings - there}"


def _prose(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    for block in blocks(path):
        text = text.replace(block.text, "")
    return text


INLINE = sorted({(page, " ".join(text.split())) for page in PAGES for text in _INLINE.findall(_prose(PAGES[page]))})


@pytest.mark.parametrize(("page", "line"), INLINE, ids=lambda text: text if text not in PAGES else "")
def test_a_command_within_a_sentence_has_options_that_exist(page: str, line: str) -> None:
    del page
    program, *words = shlex.split(line.replace("…", "..."))
    known = _options_of_pywharf(words) if program == "pywharf" else _options_of_client(program, words)
    for word in words:
        flag = word.partition("=")[0]
        if flag.startswith("-") and flag != "-":
            assert flag.replace("-", "_").replace("__", "--", 1) in known or flag in known, f"{line}: no option {flag}"


def _options_of_pywharf(words: list[str]) -> set[str]:
    """Of the command, and of the root; its name must be one, unless it is a placeholder."""
    command: click.Command = make_root(load_plugins())
    known = {"--help", *(flag for option in command.params for flag in option.opts)}
    for word in words:
        if not isinstance(command, click.Group) or word.startswith("-"):
            break
        if word.isupper() or word.startswith("NAME"):
            break
        found: click.Command | None = None
        for part in word.split("."):
            assert isinstance(command, click.Group), word
            found = command.get_command(click.Context(command), part)
            assert found is not None, f"there is no command {part}"
            command = found
        known |= {flag for option in command.params for flag in [*option.opts, *option.secondary_opts]}
    return known | {flag.replace("-", "_").replace("__", "--", 1) for flag in known}


@functools.cache
def _help(*command: str) -> str:
    run = [sys.executable, "-m", *command, "--help"]
    return subprocess.run(run, capture_output=True, text=True, check=True, env={"COLUMNS": "200"}).stdout


def _options_of_client(program: str, words: list[str]) -> set[str]:
    names: list[str] = []
    for word in words[:2]:
        if not re.fullmatch(r"[a-z]+", word) or program != "uv" and names:
            break
        names.append(word)
    if program == "uv" and names[:1] not in (["pip"], ["tool"]):
        names = names[:1]
    return set(re.findall(r"(?<![\w-])(--?[A-Za-z][\w-]*)", _help(program, *names)))
