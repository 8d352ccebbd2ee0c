"""``pywharf why``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from packaging.utils import NormalizedName

from pywharf_core.cli.json_flag import JSON_FLAG, print_json
from pywharf_core.cli.project_name import project_name
from pywharf_core.cli.repositories import Source, on_configured_repositories
from pywharf_core.model import ProjectStatus
from pywharf_core.names import Answerer
from pywharf_core.plugins import Plugins

if TYPE_CHECKING:
    from pywharf_core.repository import Repository

_SENTENCES = {
    Answerer.HERE: "it is published here",
    Answerer.RESERVED: "it was published here once, so its name stays reserved: nobody else answers for it",
    Answerer.PRIVATE: "the glob {because} declares it private: nobody else answers for it",
    Answerer.EXTRA_INDEX: "nothing here claims it: clients are sent to {because}",
    Answerer.NOWHERE: "nothing here claims it, and there is no extra index: it is not found",
    Answerer.NOT_READY: "{because}",
}
_QUARANTINED = "it is quarantined here: its page offers no files, and nobody else answers for it"
_WITHOUT_FILES = "it has no files here, but the status {status}: nobody else answers for it"
_WITH_STATUS = "it is published here, with the status {status}"

# A server's default is the server's own, so what is said here is whose it is, and what decides.
_UNKNOWN_EXTRA_INDEX = "the server's extra index, which is PyPI unless its --extra_index_url says otherwise"


@click.command("why", epilog="Example: pywharf why local numpy --root ROOT")
@click.argument("name")
@click.argument("project")
@on_configured_repositories
@JSON_FLAG
@click.pass_obj
def why(plugins: Plugins, source: Source, name: str, project: str, as_json: bool) -> None:
    """Say which rule answers for a project's name.

    The extra index and the globs of --private are those that the server of the ROOT was last started with. With --config,
    or before a first start, the server's defaults are assumed.
    """
    normalised = project_name(project)
    with source.open_one(plugins, name) as repository:
        answer = repository.answer_for(normalised)
        own = repository.configuration.extra_index_url
        status, files = _known(repository, normalised)
    answerer, because = answer.answerer, answer.shown
    if answerer is Answerer.NOWHERE and own is None and source.name_rules() is None:
        answerer, because = Answerer.EXTRA_INDEX, _UNKNOWN_EXTRA_INDEX
    if as_json:
        document = {"project": normalised, "answer": answerer.value, "because": because}
        print_json(document if status is ProjectStatus.ACTIVE else {**document, "status": status.value})
        return
    sentence = _SENTENCES[answerer]
    if status is ProjectStatus.QUARANTINED:
        sentence = _QUARANTINED
    elif status is not ProjectStatus.ACTIVE:
        sentence = _WITH_STATUS if files else _WITHOUT_FILES
    click.echo(f"{normalised}: {sentence.format(because=because.rstrip('.'), status=status.value)}.")


def _known(repository: Repository, project: NormalizedName) -> tuple[ProjectStatus, int]:
    """Its status and how many files it has."""
    with repository.index.reading() as snapshot:
        row = snapshot.project(project)
    return (ProjectStatus.ACTIVE, 0) if row is None else (row.state.status, row.files)
