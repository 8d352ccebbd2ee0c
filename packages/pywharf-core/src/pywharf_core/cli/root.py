"""The root of the command line: core's own commands, and those that plugins bring."""

from __future__ import annotations

import click

from pywharf_core.cli.alike import AlikeGroup, leaves, plain
from pywharf_core.cli.changing import delete, set_status, yank
from pywharf_core.cli.check import check
from pywharf_core.cli.copying import copy
from pywharf_core.cli.exporting import export
from pywharf_core.cli.failure import failure_of
from pywharf_core.cli.hash_secret import hash_secret
from pywharf_core.cli.importing import import_packages
from pywharf_core.cli.init import init
from pywharf_core.cli.json_flag import print_json_error
from pywharf_core.cli.plugin_list import plugin_list
from pywharf_core.cli.update_index import update_index_command
from pywharf_core.cli.verifying import verify
from pywharf_core.cli.versions import version_lines
from pywharf_core.cli.why import why
from pywharf_core.errors import PluginError
from pywharf_core.plugins import DISABLE_VARIABLE, INSTALL_LINES, Plugins

_HELP = """A private Python package index on storage you already trust.

In the names of commands and options _ and - are the same; `pywharf github init_pkg_repo` is also
`pywharf github.init_pkg_repo`. Exit status: 0 done, 1 failed, 2 wrong usage or configuration, 130 or 143 told to stop.
"""

_ENVIRONMENT_HELP = """Without any argument the environment says what to do: PYWHARF_COMMAND names the command, and
PYWHARF_COMMAND_<FLAG> sets a flag or argument of it (PYWHARF_COMMAND_ROOT=/srv/wharf). Flags without a value take
true or false; several values of one flag stand one per line or, on a single line, between commas.
"""


_ARGUMENTS = "pywharf.arguments"  # in the context: as they were given


class Root(AlikeGroup):
    """Lists every command, nested ones by their dotted names, and turns our errors into one line and a status."""

    def __init__(self, plugins: Plugins) -> None:
        super().__init__(
            name="pywharf",
            help=_HELP,
            epilog=_ENVIRONMENT_HELP,
            callback=_help_if_bare,
            invoke_without_command=True,
            params=[
                click.Option(
                    ["--version"],
                    is_flag=True,
                    is_eager=True,
                    expose_value=False,
                    callback=_print_versions,
                    help="List every installed pywharf distribution and plugin.",
                )
            ],
            context_settings={
                "obj": plugins,
                "token_normalize_func": lambda name: name.replace("_", "-"),
                "help_option_names": ["--help", "-h"],
            },
        )
        self._plugins = plugins

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_ARGUMENTS] = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> None:
        try:
            super().invoke(ctx)  # what a command returns is no exit status
        except Exception as error:
            failure = failure_of(error)
            if failure is None:
                raise
            print_json_error(ctx.meta[_ARGUMENTS], failure, ctx)
            if failure is error:
                raise
            raise failure from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = list(leaves(ctx, self))
        width = formatter.width - 6 - max((len(name) for name, _ in commands), default=0)
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(width)) for name, command in commands])

    def why_unknown(self, ctx: click.Context, name: str) -> str:
        plugin = plain(name.partition(".")[0])
        if plugin in self._plugins.broken:
            return f"There is no command {name}. {self._plugins.broken[plugin]}"
        if plugin in self._plugins.disabled:
            return f"There is no command {name}: the plugin {plugin} is switched off by {DISABLE_VARIABLE}."
        if plugin in INSTALL_LINES and plugin not in {installed.name for installed in self._plugins.installed}:
            return f"The command {name} is not installed; get it by {INSTALL_LINES[plugin]}"
        return super().why_unknown(ctx, name)


def make_root(plugins: Plugins) -> Root:
    """The group ``pywharf``.

    :raises PluginError: a plugin brings a command that core has already.
    """
    root = Root(plugins)
    for command in (
        check,
        copy,
        delete,
        export,
        hash_secret,
        import_packages,
        init,
        plugin_list,
        set_status,
        update_index_command(plugins),
        verify,
        why,
        yank,
    ):
        root.add_command(command)
    own = {plain(name) for name in root.commands}
    for command in plugins.commands:
        name = plain(str(command.name))
        if name in own:
            owner = plugins.command_owners[name]
            raise PluginError(
                f"The plugin {owner.name} of {owner.distribution} brings the command {name}, "
                "which is pywharf-core's own; uninstall the plugin or switch it off."
            )
        root.add_command(command)
    return root


def _help_if_bare() -> None:
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _print_versions(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    del parameter
    if value and not ctx.resilient_parsing:
        click.echo("\n".join(version_lines(ctx.ensure_object(Plugins))))
        ctx.exit()
