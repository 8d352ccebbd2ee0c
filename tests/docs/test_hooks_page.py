"""The page on hooks and the hooks themselves are one list."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from docs.code_blocks import DOCS, titled_blocks
from pywharf_core import hookspecs
from pywharf_core.auth import Access, Auth
from pywharf_core.change_hooks import PUBLISHED, REFUSE, REMOVED
from pywharf_core.cli.root import make_root
from pywharf_core.config import load_configuration
from pywharf_core.errors import UploadRefused
from pywharf_core.hookspecs import hookimpl
from pywharf_core.plugins import Plugins
from pywharf_core.secret import Secret
from pywharf_core.testing import MemoryStorageType, make_upload

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


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Makes a module of an example on the page."""

    def make(name: str) -> ModuleType:
        module = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)  # dataclasses look the module up
        exec(titled_blocks("hooks.md")[f"{name}.py"], module.__dict__)
        return module

    return make


class _Memory:
    @hookimpl
    def pywharf_storage_types(self) -> list[type[MemoryStorageType]]:
        return [MemoryStorageType]


def test_the_example_of_an_auth_type_decides(example: Callable[[str], ModuleType]) -> None:
    config = '[a]\ntype = "memory"\nauth = "lists"\nreaders = ["foo"]\n'
    configuration = load_configuration(config, None, Plugins.of(example("lists"), _Memory()))["a"]
    assert configuration.auth_type is not None
    auth: Auth = configuration.auth_type.open("a", configuration.auth_options)
    assert auth.access("anybody", Secret("foo")).access is Access.READ
    assert auth.access("anybody", Secret("bar")).access is Access.UNKNOWN


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["shout.shout", "--twice", "hello"], 0, "HELLO HELLO\n"),
        (["shout", "SHOUT", "hello"], 2, ""),
        (["shout.shout", "quiet"], 1, "Error: The library is closed; try again tomorrow.\n"),
    ],
)
def test_the_example_of_a_command_is_called_and_its_errors_are_sentences(
    example: Callable[[str], ModuleType], arguments: list[str], status: int, said: str
) -> None:
    ran = CliRunner().invoke(make_root(Plugins.of(example("shout"))), arguments)
    assert ran.exit_code == status, ran.output
    assert said in ran.output


def test_the_example_of_a_rule_refuses(example: Callable[[str], ModuleType], tmp_path: Path) -> None:
    hooks = Plugins.of(example("policy")).change_hooks
    hooks.demand_welcome("local", *make_upload(tmp_path, "acme-tools"))
    with pytest.raises(UploadRefused, match="holygrail is no name for a project here; names are like acme-.* or acme"):
        hooks.demand_welcome("local", *make_upload(tmp_path, "holygrail"))


def test_the_example_with_rules_implements_all_hooks_about_changes() -> None:
    source = (DOCS.parent / "tests/thirdparty/pywharf-policy/pywharf_policy.py").read_text(encoding="utf-8")
    implemented = set(re.findall(r"^@hookimpl\ndef (\w+)\(", source, re.MULTILINE))
    assert implemented == {REFUSE, PUBLISHED, REMOVED}
