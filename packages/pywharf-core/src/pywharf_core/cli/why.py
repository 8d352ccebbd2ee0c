"""``pywharf why``."""

from __future__ import annotations

import click

from pywharf_core.cli.json_flag import JSON_FLAG, print_json
from pywharf_core.cli.project_name import project_name
from pywharf_core.cli.repositories import Source, on_configured_repositories
from pywharf_core.names import Answerer
from pywharf_core.plugins import Plugins

_SENTENCES = {
    Answerer.HERE: "it is published here",
    Answerer.RESERVED: "it was published here once, so its name stays reserved: nobody else answers for it",
    Answerer.PRIVATE: "the glob {because} declares it private: nobody else answers for it",
    Answerer.EXTRA_INDEX: "nothing here claims it: clients are sent to {because}",
    Answerer.NOWHERE: "nothing here claims it, and there is no extra index: it is not found",
    Answerer.NOT_READY: "{because}",
}


@click.command("why", epilog="Example: pywharf why local numpy --root ROOT")
@click.argument("name")
@click.argument("project")
@on_configured_repositories
@JSON_FLAG
@click.pass_obj
def why(plugins: Plugins, source: Source, name: str, project: str, as_json: bool) -> None:
    """Say which rule answers for a project's name.

    The extra index and the globs of --private are those that the server of the ROOT was last started with.
    """
    normalised = project_name(project)
    with source.open_one(plugins, name) as repository:
        answer = repository.answer_for(normalised)
    if as_json:
        print_json({"project": normalised, "answer": answer.answerer.value, "because": answer.shown})
    else:
        click.echo(f"{normalised}: {_SENTENCES[answer.answerer].format(because=answer.shown.rstrip('.'))}.")
