from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pytest

from core.config.sample_plugins import FolderType, ForgeType, SamplePlugin
from pywharf_core import AuthType, hookimpl, shared_secrets
from pywharf_core.errors import PluginError
from pywharf_core.plugins import Plugins, load_plugins


def plugin(**functions: Callable[..., Any]) -> types.SimpleNamespace:
    return types.SimpleNamespace(**{name: hookimpl(function) for name, function in functions.items()})


def broken_error(offered: object) -> str:
    plugins = Plugins.of(offered)
    assert not plugins.installed
    (broken,) = plugins.broken.values()
    assert plugins.warnings == [str(broken)]
    return broken.error


def boom() -> Sequence[Any]:
    raise RuntimeError("no luck\ntoday")


# --- what plugins bring --------------------------------------------------------------------------------------


def test_the_answers_of_all_plugins_are_joined() -> None:
    serve = click.Command("serve")
    plugins = Plugins.of(SamplePlugin(), shared_secrets, plugin(pywharf_commands=lambda: [serve]))
    assert plugins.storage_types == {"file_system": FolderType, "forge": ForgeType}
    assert plugins.auth_types == {"secrets": shared_secrets.SharedSecretsType}
    assert plugins.commands == [serve]
    assert plugins.command_owners["serve"].provides == ("command serve",)
    assert not plugins.broken
    assert not plugins.warnings


def test_a_plugin_says_what_it_provides() -> None:
    (installed,) = Plugins.of(SamplePlugin()).installed
    assert installed.name == "SamplePlugin"
    assert installed.provides == ("storage type file_system", "storage type forge")


# --- what is wrong with one plugin ---------------------------------------------------------------------------


def test_a_misspelt_hook_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(PluginError) as caught:
        Plugins.of(plugin(pywharf_storage_type=boom))
    assert str(caught.value) == (
        "The plugin SimpleNamespace of this process implements the hook pywharf_storage_type, which does not exist; "
        "did you mean pywharf_storage_types?"
    )


def unmarked() -> Sequence[Any]:
    return []


def test_a_hook_without_its_mark_is_an_error() -> None:
    with pytest.raises(PluginError, match="has a function pywharf_commands that is not marked; put @hookimpl above it"):
        Plugins.of(types.SimpleNamespace(pywharf_commands=unmarked))


class Unfinished(AuthType):
    name = "unfinished"
    options = shared_secrets.SharedSecretOptions


class Nameless(shared_secrets.SharedSecretsType):
    name = ""


class Optionless(shared_secrets.SharedSecretsType):
    options = dict


class OnStorage(shared_secrets.SharedSecretsType):
    name = "storage"


class FromTheFuture(ForgeType):
    contract = 2


@pytest.mark.parametrize(
    ("hook", "answer", "error"),
    [
        ("pywharf_commands", boom, "RuntimeError: no luck today"),
        (
            "pywharf_storage_types",
            lambda: [shared_secrets.SharedSecretsType],
            "TypeError: pywharf_storage_types answered <class 'pywharf_core.shared_secrets.SharedSecretsType'>, "
            "which is not a subclass of StorageType",
        ),
        (
            "pywharf_storage_types",
            lambda: ForgeType,
            "TypeError: pywharf_storage_types answered <class 'core.config.sample_plugins.ForgeType'>, "
            "which is not a list",
        ),
        ("pywharf_auth_types", lambda: [Unfinished], "TypeError: Unfinished does not implement open"),
        ("pywharf_auth_types", lambda: [Nameless], "TypeError: Nameless.name is not a text"),
        ("pywharf_auth_types", lambda: [Optionless], "TypeError: <class 'dict'> is not a frozen dataclass"),
        (
            "pywharf_auth_types",
            lambda: [OnStorage],
            'TypeError: an auth type cannot be named "storage", which means the storage\'s own access()',
        ),
        (
            "pywharf_storage_types",
            lambda: [FromTheFuture],
            "TypeError: the storage type forge was written for version 2 of the storage contract; "
            "this pywharf-core speaks version 1",
        ),
        (
            "pywharf_commands",
            lambda: ["serve"],
            "TypeError: pywharf_commands answered 'serve', which is not a click command with a name",
        ),
    ],
)
def test_a_plugin_that_answers_wrongly_is_set_aside(hook: str, answer: Callable[[], Any], error: str) -> None:
    assert broken_error(plugin(**{hook: answer})) == error


def test_a_hook_with_an_argument_that_does_not_exist_is_set_aside() -> None:
    assert "colour" in broken_error(plugin(pywharf_commands=lambda colour: [colour]))


def test_a_broken_plugin_leaves_the_others_alone() -> None:
    plugins = Plugins.of(plugin(pywharf_commands=boom), SamplePlugin())
    assert set(plugins.storage_types) == {"file_system", "forge"}
    assert plugins.warnings == ["The plugin SimpleNamespace of this process is broken: RuntimeError: no luck today"]


# --- what is wrong between plugins ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "what"),
    [
        (SamplePlugin(), plugin(pywharf_storage_types=lambda: [ForgeType]), "storage type forge"),
        (shared_secrets, plugin(pywharf_auth_types=lambda: [shared_secrets.SharedSecretsType]), "auth type secrets"),
        (
            plugin(pywharf_commands=lambda: [click.Command("clean-up")]),
            plugin(pywharf_commands=lambda: [click.Command("clean_up")]),
            "command clean_up",
        ),
    ],
)
def test_a_name_claimed_twice_is_an_error(first: object, second: object, what: str) -> None:
    with pytest.raises(PluginError, match=rf"Both the plugin .* and the plugin .* bring the {what}"):
        Plugins.of(first, second)


# --- entry points --------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Puts a distribution with plugins on the import path: ``site(distribution, {name: source}, folder=...)``."""
    before = set(sys.modules)

    def install(distribution: str, plugins: dict[str, str], folder: str = "site") -> None:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        metadata = place / f"{distribution.replace('-', '_')}-1.5.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n")
        lines = ["[pywharf]"]
        for name, source in plugins.items():
            module = f"{distribution}_{name}".replace("-", "_")
            (place / f"{module}.py").write_text(source)
            lines.append(f"{name} = {module}")
        (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
        if str(place) not in sys.path:
            monkeypatch.syspath_prepend(place)

    yield install
    for name in set(sys.modules) - before:
        if name.startswith("acme"):
            del sys.modules[name]


BELL = """
import click
from pywharf_core import hookimpl

@hookimpl
def pywharf_commands():
    return [click.Command("ring")]
"""


def test_an_installed_plugin_is_found_by_its_entry_point(site: Callable[..., None]) -> None:
    site("acme-bells", {"bells": BELL})
    plugins = load_plugins(disabled=[])
    bells = plugins.command_owners["ring"]
    assert (bells.name, bells.distribution, bells.version) == ("bells", "acme-bells", "1.5")
    assert "secrets" in plugins.auth_types, "core's own plugin is found in the same way"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import no_such_module_anywhere", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("1 +", "SyntaxError: invalid syntax (acme_bells_bells.py, line 1)"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_named_with_its_distribution(
    site: Callable[..., None], source: str, error: str
) -> None:
    site("acme-bells", {"bells": source})
    plugins = load_plugins(disabled=[])
    assert plugins.broken["bells"].distribution == "acme-bells"
    assert plugins.broken["bells"].error == error
    assert "secrets" in plugins.auth_types


def test_two_distributions_with_one_plugin_name_are_an_error_that_names_both(site: Callable[..., None]) -> None:
    site("acme-bells", {"bells": BELL})
    site("acme-tower", {"bells": BELL})
    with pytest.raises(PluginError) as caught:
        load_plugins(disabled=[])
    assert "acme-bells" in str(caught.value)
    assert "acme-tower" in str(caught.value)
    assert "PYWHARF_DISABLE_PLUGINS=bells" in str(caught.value)
    assert load_plugins(disabled=["bells"]).disabled == ["bells"]


def test_one_distribution_found_twice_on_the_path_is_no_repetition(site: Callable[..., None]) -> None:
    site("acme-bells", {"bells": BELL}, folder="site")
    site("acme-bells", {"bells": BELL}, folder="other")
    assert "ring" in load_plugins(disabled=[]).command_owners


def test_the_environment_switches_plugins_off(site: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    site("acme-bells", {"bells": BELL})
    monkeypatch.setenv("PYWHARF_DISABLE_PLUGINS", " bells, secrets ,")
    plugins = load_plugins()
    assert "ring" not in plugins.command_owners
    assert "secrets" not in plugins.auth_types
    assert plugins.disabled == ["bells", "secrets"]


def test_switching_off_what_is_not_there_is_a_warning_that_lists_what_is(
    site: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    site("acme-bells", {"bells": BELL})
    monkeypatch.setenv("PYWHARF_DISABLE_PLUGINS", "bels")
    warning = load_plugins().warnings[0]
    assert warning.startswith("PYWHARF_DISABLE_PLUGINS names the plugin bels, which is not installed; known: bells, ")
