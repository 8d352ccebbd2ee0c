"""The pages on the contracts tell of every method, when it is called, and what its default does."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator

import pytest

from docs.code_blocks import DOCS
from pywharf_core import model, storage_answers
from pywharf_core.auth import Access, Auth, AuthType
from pywharf_core.object_storage import ObjectStorage
from pywharf_core.storage import Storage, StorageType
from pywharf_core.testing import StorageContract
from pywharf_core.testing.storage_contract import ALLOWED_ERRORS

PAGES: dict[type, str] = {
    ObjectStorage: "storage-contract.md",
    Storage: "storage-contract.md",
    StorageType: "storage-contract.md",
}
PAGES |= {Auth: "auth-contract.md", AuthType: "auth-contract.md"}
CONTRACTS = sorted(PAGES, key=lambda contract: contract.__name__)

#: Values that a backend makes, takes or hands back.
VALUES = ("DistributionFile", "StagedFile", "AttachmentKind", "ProjectState", "ProjectStatus")


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(name: str, heading: str, level: int = 2) -> str:
    """What stands below a heading, up to the next of its level."""
    found = page(name).partition(f"\n{'#' * level} {heading}\n")[2]
    assert found, heading
    return re.split(rf"^#{{1,{level}}} ", found, maxsplit=1, flags=re.MULTILINE)[0]


def methods(contract: type) -> Iterator[tuple[str, Callable[..., object]]]:
    """Its public methods; of a contract on top of another those that it adds."""
    for name, value in vars(contract).items():
        if inspect.isfunction(value) and not name.startswith("_") and not hasattr(contract.__base__, name):
            yield name, value


def headings(contract: type) -> list[str]:
    return re.findall(r"^### `(.+)`$", section(PAGES[contract], f"`{contract.__name__}`"), re.MULTILINE)


METHODS = [pytest.param(contract, *method, id=method[0]) for contract in CONTRACTS for method in methods(contract)]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_method_of_a_contract_has_a_section_with_its_parameters_in_order(contract: type) -> None:
    there = []
    for name, method in methods(contract):
        parameters = [parameter for parameter in inspect.signature(method).parameters if parameter != "self"]
        there.append(f"{name}({', '.join(parameters)})")
    assert [told for told in headings(contract) if not told.startswith("open_ranges(")] == there


@pytest.mark.parametrize(("contract", "name", "method"), METHODS)
def test_a_method_s_section_says_when_it_is_called_and_what_its_default_does(
    contract: type, name: str, method: Callable[..., object]
) -> None:
    (heading,) = [told for told in headings(contract) if told.startswith(f"{name}(")]
    text = section(PAGES[contract], f"`{contract.__name__}`").partition(f"### `{heading}`\n")[2].partition("\n### ")[0]
    assert f"<!-- generated: {contract.__name__}.{name} -->" in text
    assert re.search(r"^\*\*When\*\*: \S", text, re.MULTILINE)
    (default,) = re.findall(r"^\*\*Default\*\*: (.+)", text, re.MULTILINE)
    must = bool(getattr(method, "__isabstractmethod__", False))
    assert (default == "none, you write it.") == must


@pytest.mark.parametrize("contract", CONTRACTS)
def test_what_stands_in_front_of_a_contract_s_methods_is_its_own_docstring(contract: type) -> None:
    assert f"<!-- generated: {contract.__name__} -->" in section(PAGES[contract], f"`{contract.__name__}`")


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_contract_s_docstring_tells_of_each_class_variable(contract: type) -> None:
    told = re.findall(r":[ic]var (\w+):", inspect.getdoc(contract) or "")
    inherited = inspect.get_annotations(contract.__base__) if contract.__base__ is Storage else {}
    assert sorted(told) == sorted(name for name in inspect.get_annotations(contract) if name not in inherited)


def test_the_errors_that_may_leave_a_storage_are_those_that_the_suite_allows() -> None:
    (told,) = re.findall(r"Only these errors may leave a storage: (.+?)\. ", page("storage-contract.md"), re.DOTALL)
    assert set(re.findall(r"`(\w+)`", told)) == {error.__name__ for error in ALLOWED_ERRORS}


@pytest.mark.parametrize("contract", [Storage, ObjectStorage])
def test_no_method_says_that_it_raises_another_error(contract: type) -> None:
    allowed = {error.__name__ for error in ALLOWED_ERRORS}
    for name, method in methods(contract):
        assert set(re.findall(r":raises (\w+):", inspect.getdoc(method) or "")) <= allowed, name


def test_every_value_of_the_contract_is_shown() -> None:
    told = set(re.findall(r"^<!-- generated: source (\w+) -->$", page("storage-contract.md"), re.MULTILINE))
    answers = {
        name
        for name, value in vars(storage_answers).items()
        if inspect.isclass(value) and value.__module__ == storage_answers.__name__
    }
    assert told == answers | set(VALUES)
    assert all(hasattr(model, name) for name in VALUES)


def test_every_degree_of_access_is_told() -> None:
    told = re.findall(r"^\| `(\w+)` \|", page("auth-contract.md"), re.MULTILINE)
    assert told == [access.name for access in Access]


def test_what_the_suite_takes_is_told() -> None:
    told = section("storage-contract.md", "The test suite")
    fixtures = [
        name
        for name, value in vars(StorageContract).items()
        if type(value).__name__ == "FixtureFunctionDefinition" and name != "opening"
    ]
    assert sorted(re.findall(r"^\| fixture `(\w+)`", told, re.MULTILINE)) == sorted(fixtures)
    assert "`new_store(folder)`" in told
