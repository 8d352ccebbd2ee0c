"""Who may know whom, read from the imports."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parents[2] / "packages"

#: Each room of core imports only rooms before it.
ROOMS = [
    "errors", "amounts", "digests", "secret", "secret_parameter", "options", "model", "filenames", "toml_text", "simple",
    "atomic_file", "static_site", "releases", "upload", "auth", "ranges", "storage_answers", "storage",
    "object_documents", "object_storage", "hookspecs", "change_hooks", "shared_secrets", "guesses", "verdicts",
    "plugin_answers", "plugins", "config", "root", "new_configuration", "change_counter", "server_database",
    "configuration_in_force", "index", "names", "project_choice",
    "json_api", "synchronisation", "repository", "missing_metadata", "remote_inquiries", "remote_changes", "remote_notices",
    "remote_recovery", "changes", "clock", "patience",
    "chosen_projects", "listed_file", "long_work", "export", "verify", "transfer", "wharf", "paste_lines", "cli",
    "testing",
]  # fmt: skip

WEB = {"starlette", "hypercorn", "anyio", "asyncio", "python_multipart", "uvicorn", "fastapi", "flask"}


@dataclass(frozen=True)
class Import:
    """One import statement's module.

    :ivar module: dotted; with the imported name where that is a module of ours.
    :ivar explained: a comment stands on the line or right above it.
    """

    file: Path
    line: int
    module: str
    in_function: bool
    for_types: bool
    explained: bool

    def __str__(self) -> str:
        return f"{self.file.relative_to(PACKAGES)}:{self.line}: {self.module}"


def source_folders() -> dict[str, Path]:
    """Folder of each import package by its name."""
    return {folder.name: folder for folder in PACKAGES.glob("*/src/*") if (folder / "__init__.py").exists()}


def modules(package: str) -> Iterator[tuple[str, Path]]:
    folder = source_folders()[package]
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(package: str) -> Iterator[Import]:
    for _, path in modules(package):
        yield from _imports_of(path)


def _imports_of(path: Path) -> Iterator[Import]:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()

    def walk(node: ast.AST, in_function: bool, for_types: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import | ast.ImportFrom):
            above = _line_above_the_imports(lines, node.lineno - 2)
            explained = "#" in lines[node.lineno - 1] or above.startswith("#")
            for name in _imported(node):
                yield Import(path, node.lineno, name, in_function, for_types, explained)
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        is_for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, in_function or is_function, for_types or is_for_types)

    yield from walk(ast.parse(text), in_function=False, for_types=False)


def _line_above_the_imports(lines: list[str], index: int) -> str:
    """The line above a block of import statements: one comment speaks for the block."""
    while re.match(r"(from|import) |[\w, ]+,$|\)", lines[index].strip()):
        index -= 1
    return lines[index].strip()


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    assert node.level == 0, "relative import"
    base = str(node.module)
    for alias in node.names:
        yield f"{base}.{alias.name}" if _is_module(f"{base}.{alias.name}") else base


def _is_module(name: str) -> bool:
    package, *rest = name.split(".")
    folder = source_folders().get(package)
    if folder is None:
        return False
    path = folder.joinpath(*rest)
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def room(module: str) -> str | None:
    """The room of core that a module of core is in; None: the package's root."""
    return module.split(".")[1] if "." in module else None


BACKENDS = [name for name in source_folders() if name not in ("pywharf", "pywharf_core")]


def test_every_module_of_core_is_in_a_room() -> None:
    found = {room(name) for name, _ in modules("pywharf_core")} - {None}
    assert found <= set(ROOMS), f"without a place in the order: {found - set(ROOMS)}"


def test_each_room_of_core_imports_only_rooms_before_it() -> None:
    wrong = []
    for name, path in modules("pywharf_core"):
        here = room(name)
        for found in _imports_of(path):
            package, _, _ = found.module.partition(".")
            there = room(found.module)
            if here is None or package != "pywharf_core" or found.for_types or here == there:
                continue
            # `testing` is for authors of plugins, and stands where they stand.
            allowed = here == "testing" if there is None else ROOMS.index(there) < ROOMS.index(here)
            if not allowed:
                wrong.append(f"{found}: {here} must not know {there or 'the package root'}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backend_imports_what_the_root_of_core_exports_and_nothing_else(backend: str) -> None:
    wrong = [
        str(found)
        for found in imports(backend)
        if found.module.split(".")[0] in source_folders()
        and found.module.split(".")[0] != backend
        and found.module not in ("pywharf_core", "pywharf_core.toml_text")  # the root exports that one as a module
    ]
    assert not wrong, "\n".join(wrong)


def test_the_server_imports_no_backend_by_name() -> None:
    wrong = [str(found) for found in imports("pywharf") if found.module.split(".")[0] in BACKENDS]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", ["pywharf_core", *BACKENDS])
def test_core_and_backends_know_no_web_framework(package: str) -> None:
    wrong = [str(found) for found in imports(package) if found.module.split(".")[0] in WEB]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", ["pywharf_core", *BACKENDS])
def test_core_and_backends_are_synchronous(package: str) -> None:
    asynchronous = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
    wrong = [
        f"{path}:{node.lineno}"
        for _, path in modules(package)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, asynchronous)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", sorted(source_folders()))
def test_an_import_inside_a_function_says_why(package: str) -> None:
    wrong = [str(found) for found in imports(package) if found.in_function and not found.explained]
    assert not wrong, "\n".join(wrong)


def test_no_modules_import_each_other_in_a_ring_not_even_for_types() -> None:
    graph = {
        name: {found.module for found in _imports_of(path)} - {name}
        for package in source_folders()
        for name, path in modules(package)
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name in done:
            return
        for imported in sorted(graph.get(name, ())):
            visit(imported, (*trail, name))
        done.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "base"}
    wrong = [name for package in source_folders() for name, _ in modules(package) if empty & set(name.split("."))]
    assert not wrong


def test_what_the_root_of_core_exports_is_what_it_says_it_exports() -> None:
    root = sys.modules.get("pywharf_core") or __import__("pywharf_core")
    assert list(root.__all__) == sorted(root.__all__)
    assert not [name for name in root.__all__ if not hasattr(root, name)]
