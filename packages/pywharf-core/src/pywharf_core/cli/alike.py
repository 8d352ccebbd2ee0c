"""Groups in whose names ``_`` and ``-`` are the same, and a dot goes one group deeper."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import click
from click.shell_completion import CompletionItem


def plain(name: str) -> str:
    """``name`` with ``_`` where ``-`` may stand."""
    return name.replace("-", "_")


class AlikeGroup(click.Group):
    """``init_pkg_repo`` is ``init-pkg-repo``; ``github.init_pkg_repo`` is ``github init_pkg_repo``."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for name in self.list_commands(ctx):
            if plain(name) == plain(cmd_name):
                command = self.listed_command(ctx, name)
                if isinstance(command, click.Group) and not isinstance(command, AlikeGroup):
                    return PluginGroup(command)
                return command
        return None

    def listed_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command whose name ``list_commands`` gave."""
        return super().get_command(ctx, name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            first, dot, rest = name.partition(".")
            if dot and isinstance(self.get_command(ctx, first), click.Group):
                args = [first, rest, *args[1:]]
            elif not ctx.resilient_parsing:
                raise click.UsageError(self.why_unknown(ctx, name), ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names of commands however ``_`` is typed, and behind a dot those of a group."""
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            return found
        known = {item.value for item in found}
        names = leaves(ctx, self) if "." in incomplete else ((name, None) for name in self.list_commands(ctx))
        found += [
            CompletionItem(name, help=None if command is None else command.get_short_help_str())
            for name, command in names
            if name not in known and plain(name).startswith(plain(incomplete))
        ]
        return found

    def why_unknown(self, ctx: click.Context, name: str) -> str:
        """The sentence for a command that is not there."""
        known = [known for known, _ in leaves(ctx, self)]
        near = difflib.get_close_matches(plain(name), known, n=1)
        return f"There is no command {name}{f'; did you mean {near[0]}?' if near else '.'}"


class PluginGroup(AlikeGroup):
    """A plugin's group, whatever its class, with names alike."""

    def __init__(self, inner: click.Group) -> None:
        super().__init__(
            name=inner.name,
            params=inner.params,
            callback=inner.callback,
            help=inner.help,
            short_help=inner.short_help,
            epilog=inner.epilog,
            context_settings=inner.context_settings,
            invoke_without_command=inner.invoke_without_command,
            no_args_is_help=inner.no_args_is_help,
            hidden=inner.hidden,
            deprecated=inner.deprecated,
        )
        self._inner = inner

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self._inner.list_commands(ctx)

    def listed_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return self._inner.get_command(ctx, name)


def leaves(ctx: click.Context, group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command below ``group`` that is no group itself, by its dotted name, hidden ones left out."""
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        if command is None or command.hidden:
            continue
        if isinstance(command, click.Group):
            inner = click.Context(command, parent=ctx, info_name=name)
            yield from leaves(inner, command, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", command
