"""The root group: names alike, help, versions, errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib.metadata import version

import click
import pytest
from click.testing import CliRunner, Result

from core.config.sample_plugins import sample_plugins
from pywharf_core.cli.alike import leaves
from pywharf_core.cli.root import make_root
from pywharf_core.errors import ConfigurationError, NotPermitted, PluginError, WharfError
from pywharf_core.hookspecs import hookimpl
from pywharf_core.plugins import BrokenPlugin, Plugins, load_plugins


@click.group("forge")
def forge() -> None:
    """Work on a forge."""


@forge.command("init-pkg-repo")
@click.option("--index_filename", default="index.toml")
@click.option("--sync-index-interval", type=int)
def init_pkg_repo(index_filename: str, sync_index_interval: int | None) -> None:
    """Create a repository."""
    click.echo(f"{index_filename} {sync_index_interval}")


@click.command("wash_up")
@click.argument("what")
def wash_up(what: str) -> int:
    """Wash it up. Then dry it."""
    click.echo(f"washed {what}")
    return 7


@click.command("secret", hidden=True)
def hidden() -> None: ...


class Commands:
    @hookimpl
    def pywharf_commands(self) -> Sequence[click.Command]:
        return [forge, wash_up, hidden]


def run(*arguments: str, plugins: Plugins | None = None) -> Result:
    root = make_root(plugins or Plugins.of(Commands()))
    return CliRunner().invoke(root, list(arguments), prog_name="pywharf")


def test_help_lists_every_command_with_a_line_each() -> None:
    lines = run("--help").stdout.splitlines()
    listed = [line.split()[0] for line in lines[lines.index("Commands:") + 1 :] if line[:2] == "  " != line[2:4]]
    listed = listed[: listed.index("yank") + 1]
    assert listed == sorted(listed)
    assert {"check", "forge.init-pkg-repo", "hash_secret", "init", "plugins", "wash_up"} < set(listed)
    assert any(line.split() == ["wash_up", "Wash", "it", "up."] for line in lines)


def test_no_line_of_our_own_commands_is_cut() -> None:
    assert "..." not in run("--help", plugins=Plugins()).stdout.split("Commands:")[1]


def test_the_help_of_every_command_shows_an_example() -> None:
    plugins = load_plugins()
    root = make_root(plugins)
    for name, _ in leaves(click.Context(root, info_name="pywharf"), root):
        help = run(*name.split("."), "--help", plugins=plugins).stdout
        _, found, example = help.partition("Example")
        assert found, f"{name} shows none"
        first = example.splitlines()[0].removeprefix(": ") if example.startswith(": ") else example.split("\n")[2]
        assert re.match(rf"\s*pywharf {name.replace('.', '[ .]')}\b", first), name


def test_without_arguments_the_help_is_the_answer() -> None:
    bare = run()
    assert bare.exit_code == 0
    assert bare.stdout == run("--help").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["forge", "init-pkg-repo", "--index-filename", "x", "--sync_index_interval", "3"],
        ["forge", "init_pkg_repo", "--index_filename=x", "--sync-index-interval=3"],
        ["forge.init_pkg_repo", "--index-filename=x", "--sync-index_interval=3"],
        ["forge.init-pkg-repo", "--index_filename=x", "--sync-index-interval=3"],
    ],
)
def test_underscores_hyphens_and_dots_are_ways_to_say_the_same(arguments: list[str]) -> None:
    assert run(*arguments).stdout == "x 3\n"


def test_what_a_command_returns_is_no_exit_status() -> None:
    result = run("wash-up", "dishes")
    assert (result.stdout, result.exit_code) == ("washed dishes\n", 0)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("wash_op", "There is no command wash_op; did you mean wash_up?"),
        ("xyzzy", "There is no command xyzzy."),
        ("forge.init_pkg", "There is no command init_pkg; did you mean init-pkg-repo?"),
        ("github.init_pkg_repo", "The command github.init_pkg_repo is not installed; get it by "
         "pip install 'pywharf[github]'"),
        ("server", "The command server is not installed; get it by pip install pywharf"),
    ],
)  # fmt: skip
def test_an_unknown_command_is_wrong_usage(command: str, sentence: str) -> None:
    result = run(command)
    assert result.exit_code == 2
    assert f"Error: {sentence}\n" in result.stderr


def test_a_command_of_a_broken_plugin_says_why_it_is_not_there() -> None:
    plugins = Plugins(broken={"server": BrokenPlugin("server", "pywharf", "ImportError: no hypercorn")})
    assert "The plugin server of pywharf is broken: ImportError: no hypercorn" in run("server", plugins=plugins).stderr


def test_a_command_of_a_plugin_that_is_switched_off_says_so() -> None:
    stderr = run("server", plugins=Plugins(disabled=["server"])).stderr
    assert "the plugin server is switched off by PYWHARF_DISABLE_PLUGINS" in stderr


def test_a_plugin_cannot_take_the_name_of_a_command_of_core() -> None:
    class Taker:
        @hookimpl
        def pywharf_commands(self) -> Sequence[click.Command]:
            return [click.Command("hash-secret")]

    with pytest.raises(PluginError, match="The plugin Taker of this process brings the command hash_secret"):
        make_root(Plugins.of(Taker()))


def test_version_lists_distributions_and_plugins() -> None:
    lines = run("--version", plugins=sample_plugins()).stdout.splitlines()
    assert f"pywharf-core {version('pywharf-core')}" in lines
    assert "plugin SamplePlugin of this process" in lines


def raising(error: Exception) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "stderr"),
    [
        (NotPermitted("You may not do this."), 1, "Error: You may not do this.\n"),
        (ConfigurationError(["a.toml: one", "a.toml: two"]), 2, "a.toml: one\na.toml: two\n"),
        (
            PermissionError(13, "Permission denied", "/srv/x"),
            1,
            "Error: /srv/x: Permission denied; run this as a user who may read and write there.\n",
        ),
    ],
)
def test_an_error_of_ours_is_said_without_a_traceback(error: WharfError | OSError, status: int, stderr: str) -> None:
    class Failing:
        @hookimpl
        def pywharf_commands(self) -> Sequence[click.Command]:
            return [click.Command("fail", callback=raising(error))]

    result = run("fail", plugins=Plugins.of(Failing()))
    assert (result.exit_code, result.stderr) == (status, stderr)
