"""The suite stays whole, however many modules it is spread over."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from types import ModuleType

import pytest

from pywharf_core.testing import StorageContract, storage_contract

MODULES = [
    import_module(f"{storage_contract.__name__}.{found.name}")
    for found in pkgutil.iter_modules(storage_contract.__path__)
]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_the_asserts_of_the_suite_are_explained_to_the_author_of_a_backend(module: ModuleType) -> None:
    assert "@pytest_ar" in vars(module), "pytest did not rewrite it"


def test_whoever_subclasses_the_suite_gets_the_tests_of_every_subject() -> None:
    subjects = {
        value
        for module in MODULES
        for value in vars(module).values()
        if inspect.isclass(value) and any(name.startswith("test_") for name in vars(value))
    }
    assert len(subjects) > 1
    assert all(issubclass(StorageContract, subject) for subject in subjects)


def test_no_subject_has_a_test_that_another_one_hides() -> None:
    told = [name for base in StorageContract.__mro__ for name in vars(base) if name.startswith("test_")]
    assert len(told) == len(set(told))
