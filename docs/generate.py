"""Write the parts of these pages that the program itself knows: tables of options, commands, contracts of plugins.

``nox -s docs`` runs it; ``--check`` changes nothing and exits with status 1 if a page is stale.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import docstrings

from pywharf.metric_families import families
from pywharf_core.cli.alike import leaves
from pywharf_core.cli.given_path import GivenPath
from pywharf_core.cli.root import make_root
from pywharf_core.config.repositories import CommonOptions
from pywharf_core.config.trusted_publishers import TrustedPublisher
from pywharf_core.options import Key, Kind, keys_of
from pywharf_core.plugins import Plugins, load_plugins

DOCS = Path(__file__).parent
CHECKLIST = DOCS.parent / "tests" / "conformance" / "checklist.toml"

# Whatever else is installed here, the pages are about these.
_OURS = ("file_system", "github", "secrets", "server")

_BLOCK = re.compile(r"(<!-- generated: (?P<name>[\w. -]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)

_WRITTEN_AS = {
    Kind.TEXT: "text",
    Kind.INTEGER: "whole number",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "`true` or `false`",
    Kind.PATH: "path",
    Kind.SECRET: "text",
    Kind.TEXTS: "list of texts",
}


# What stands for a value where the option itself does not say.
_VALUES: Mapping[type, str] = {
    click.Path: "PATH",
    GivenPath: "PATH",
    click.IntRange: "NUMBER",
    click.FloatRange: "NUMBER",
}


# As Prometheus' own text format says them.
_METRIC_ENDINGS = {"counter": "_total", "info": "_info"}
_METRIC_TYPES = {"info": "gauge"}


def main(arguments: list[str]) -> int:
    """The exit status: 1 if ``--check`` found a stale page."""
    check = arguments == ["--check"]
    if arguments and not check:
        sys.exit("usage: generate.py [--check]")
    plugins = load_plugins()
    stale = False
    for path in sorted(DOCS.rglob("*.md")):
        old = path.read_text(encoding="utf-8")
        new = filled(old, generated(plugins))
        if new == old:
            continue
        stale = True
        if check:
            print(f"{path.relative_to(DOCS.parent)} is stale; `nox -s docs` writes it anew", file=sys.stderr)
        else:
            path.write_text(new, encoding="utf-8")
            print(f"wrote {path.relative_to(DOCS.parent)}")
    return 1 if check and stale else 0


def filled(page: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """``page`` with each generated block written anew."""
    return _BLOCK.sub(lambda block: f"{block[1]}\n{parts[block['name']]()}\n\n{block[3]}", page)


def generated(plugins: Plugins) -> Mapping[str, Callable[[], str]]:
    """How to make each block, by the name in its first line."""
    storage, auth = plugins.storage_types["file_system"], plugins.auth_types["secrets"]
    return {
        "common options": lambda: option_table(CommonOptions),
        "trusted publisher options": lambda: option_table(TrustedPublisher),
        "file_system options": lambda: option_table(storage.options),
        "github options": lambda: option_table(plugins.storage_types["github"].options),
        "secrets options": lambda: option_table(auth.options),
        "commands": lambda: "\n\n".join(command_sections(plugins)),
        "metrics": metrics_table,
        "checklist": lambda: "\n\n".join(checklist_sections()),
        **docstrings.blocks(),
    }


def option_table(options: type) -> str:
    """A Markdown table of a class of options."""
    lines = ["| key | value | default | what |", "|---|---|---|---|"]
    lines += [_option_row(key) for key in keys_of(options)]
    return "\n".join(lines)


def _option_row(key: Key) -> str:
    names = " or ".join(f"`{spelling}`" for spelling in key.spellings)
    written_as = ", ".join(f'`"{choice}"`' for choice in key.choices) or _WRITTEN_AS[key.kind]
    example = f", such as `{key.example}`" if key.example else ""
    return f"| {names} | {written_as}{example} | {_default(key)} | {_cell(_sentence(key.help))} |"


def _default(key: Key) -> str:
    if key.required:
        return "required"
    match key.default:
        case None:
            return ""
        case bool():
            return f"`{str(key.default).lower()}`"
        case tuple():
            return f"`{list(key.default)}`"
        case str():
            return f'`"{key.default}"`'
        case float() if key.default.is_integer():
            return f"`{key.default:.0f}`"
    return f"`{key.default}`"


def command_sections(plugins: Plugins) -> Iterator[str]:
    """A section for each command."""
    root = make_root(plugins)
    context = click.Context(root, info_name="pywharf")
    for name, command in leaves(context, root):
        owner = plugins.command_owners.get(name.partition(".")[0])
        if owner is None or owner.name in _OURS:
            yield _command_section(name, command, click.Context(command, parent=context, info_name=name))


def _command_section(name: str, command: click.Command, context: click.Context) -> str:
    usage = " ".join(["pywharf", name, *command.collect_usage_pieces(context)])
    paragraphs = [" ".join(paragraph.split()) for paragraph in (command.help or "").split("\n\n")]
    parts = [f"### {name}", f"```text\n{usage}\n```", *paragraphs]
    options = [
        parameter for parameter in command.params if isinstance(parameter, click.Option) and not parameter.hidden
    ]
    if options:
        rows = [_flag_row(option) for option in options]
        parts.append("\n".join(["| option | default | what |", "|---|---|---|", *rows]))
    if command.epilog:
        parts.append(_examples(command.epilog))
    return "\n\n".join(parts)


def _examples(epilog: str) -> str:
    what, _, text = epilog.partition(":")
    lines = [line.strip() for line in text.replace("\b", "").splitlines() if line.strip()]
    if len(lines) == 1:
        return f"{what}: `{lines[0]}`"
    return "\n".join([f"{what}:", "", "```sh", *lines, "```"])


def _flag_row(option: click.Option) -> str:
    flag = next(flag for flag in option.opts if flag.startswith("--"))
    value = "" if option.is_flag else f" {option.metavar or _VALUES.get(type(option.type), 'TEXT')}"
    help_text, _, told = (option.help or "").partition(" [default: ")  # where the default is no plain value
    default = told.rstrip("]")
    if not default and option.show_default and not option.is_flag:
        default = str(option.default)
    variables = [option.envvar] if isinstance(option.envvar, str) else option.envvar or []
    variable = f" Environment: {' or '.join(f'`{name}`' for name in variables)}." if variables else ""
    return f"| `{flag}{value}` | {default} | {_cell(_sentence(help_text))}{variable} |"


def metrics_table() -> str:
    """What ``GET /metrics`` tells."""
    rows = []
    for family in families({}, [], {}, named=True).collect():
        name = f"{family.name}{_METRIC_ENDINGS.get(family.type, '')}"
        labels = ", ".join(f"`{label}`" for label in getattr(family, "_labelnames", ()))
        rows.append(
            f"| `{name}` | {_METRIC_TYPES.get(family.type, family.type)} | {labels} | {_cell(family.documentation)} |"
        )
    return "\n".join(["| metric | type | labels | what |", "|---|---|---|---|", *rows])


def checklist_sections() -> Iterator[str]:
    """How much of it is proved, and a table for each of its parts."""
    checklist = tomllib.loads(CHECKLIST.read_text(encoding="utf-8"))
    lines = [line for section in checklist.values() for line in section]
    missing = sum(line.get("reason", "").startswith("Not in this version") for line in lines)
    yield f"{len(lines)} lines: {len(lines) - missing} proved by tests, {missing} not in this version."
    for section, of_section in checklist.items():
        rows = "\n".join(f"| {_cell(line['rule'])} | {_proof(line)} |" for line in of_section)
        yield f"### {section[0].upper()}{section[1:]}\n\n| rule | proof |\n|---|---|\n{rows}"


def _proof(line: Mapping[str, Any]) -> str:
    found = []
    for test in line.get("tests", []):
        path, _, name = test.partition("::")
        words = name.rpartition("::")[2].removeprefix("test_").replace("_", " ")
        found.append(f"[{words}](../{path})")
    return "<br>".join([*found, *([line["reason"]] if "reason" in line else [])])


def _sentence(text: str) -> str:
    if not text.partition(" ")[0].endswith(":"):  # the name of what an option belongs to
        text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else f"{text}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
