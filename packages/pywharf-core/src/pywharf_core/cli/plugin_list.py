"""``pywharf plugins``."""

from __future__ import annotations

import dataclasses

import click

from pywharf_core.cli.json_flag import JSON_FLAG, print_json
from pywharf_core.cli.table import table_lines
from pywharf_core.plugins import BrokenPlugin, InstalledPlugin, Plugins


@click.command("plugins", epilog="Example: pywharf plugins --json")
@JSON_FLAG
@click.pass_obj
def plugin_list(plugins: Plugins, as_json: bool) -> None:
    """List plugins and what they provide.

    Broken ones are listed with the reason, and those that are switched off.
    """
    if as_json:
        document = {
            "installed": [dataclasses.asdict(plugin) for plugin in plugins.installed],
            "broken": [dataclasses.asdict(plugin) for plugin in plugins.broken.values()],
            "disabled": list(plugins.disabled),
        }
        print_json(document)
        return
    rows = [
        *((plugin.name, _release(plugin), ", ".join(plugin.provides) or "nothing") for plugin in plugins.installed),
        *((plugin.name, _release(plugin), f"broken: {plugin.error}") for plugin in plugins.broken.values()),
        *((name, "", "switched off") for name in plugins.disabled),
    ]
    click.echo("\n".join(table_lines(("PLUGIN", "DISTRIBUTION", "PROVIDES"), rows)))


def _release(plugin: InstalledPlugin | BrokenPlugin) -> str:
    return f"{plugin.distribution} {plugin.version}".rstrip()
