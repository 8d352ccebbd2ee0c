"""The page on hooks and the hooks themselves are one list."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from docs.code_blocks import DOCS, titled_blocks
from pywharf_core import hookspecs
from pywharf_core.auth import Access, Auth
from pywharf_core.config import load_configuration
from pywharf_core.hookspecs import hookimpl
from pywharf_core.plugins import Plugins
from pywharf_core.secret import Secret
from pywharf_core.testing import MemoryStorageType

HOOKS = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("pywharf_")}


def test_the_page_tells_of_every_hook_with_its_arguments_in_order() -> None:
    page = (DOCS / "hooks.md").read_text(encoding="utf-8")
    told = re.findall(r"^### `(\w+)\((.*)\)`$", page, re.MULTILINE)
    assert told == [(name, ", ".join(inspect.signature(hook).parameters)) for name, hook in HOOKS.items()]


@pytest.mark.parametrize("name", HOOKS)
def test_the_page_tells_what_a_hook_returns(name: str) -> None:
    page = (DOCS / "hooks.md").read_text(encoding="utf-8")
    section = page.partition(f"### `{name}(")[2].partition("\n###")[0]
    returns = str(inspect.signature(HOOKS[name]).return_annotation)
    assert f"Returns `{returns}`" in section


class _Memory:
    @hookimpl
    def pywharf_storage_types(self) -> list[type[MemoryStorageType]]:
        return [MemoryStorageType]


def test_the_example_of_an_auth_type_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = ModuleType("lists")
    monkeypatch.setitem(sys.modules, "lists", example)  # dataclasses look the module up
    exec(titled_blocks("hooks.md")["lists.py"], example.__dict__)
    config = '[a]\ntype = "memory"\nauth = "lists"\nreaders = ["foo"]\n'
    configuration = load_configuration(config, None, Plugins.of(example, _Memory()))["a"]
    assert configuration.auth_type is not None
    auth: Auth = configuration.auth_type.open("a", configuration.auth_options)
    assert auth.access("anybody", Secret("foo")).access is Access.READ
    assert auth.access("anybody", Secret("bar")).access is Access.UNKNOWN
