"""twine, uv publish, pip and uv on a server whose repository lives on GitHub, with every kind of token, good and bad.

``docs/github-clients.md`` is what a run found; ``PYWHARF_WRITE_DOCS=1`` in the environment writes it anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from github_backend.client_runs import CASES, INSTALLERS, PUBLISHERS, Case, Runs, named, outcomes
from github_backend.real_server import FORGETFUL, wharf_on
from github_fake import FakeGitHub, Hosts
from support.clients import Clients
from support.found_page import compare_or_write, table

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "github-clients.md"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("clients")
    with FakeGitHub.running(hosts=Hosts(storage="127.0.0.2")) as fake:
        fake.add_repo("acme", "packages")
        writer = fake.token("publisher", rights={"acme/packages": "write"})
        with ExitStack() as stack:
            wharfs = {
                client: stack.enter_context(
                    wharf_on(fake, folder / f"root-{number}", *FORGETFUL, sync_index_interval=60)
                )
                for number, client in enumerate((*PUBLISHERS, *INSTALLERS))
            }
            yield Runs(wharfs, Clients(folder / "home"), folder, writer)
        assert not fake.tokens_at_storage


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
@pytest.mark.parametrize("client", PUBLISHERS)
def test_who_may_write_publishes_and_nobody_else(runs: Runs, client: str, case: Case) -> None:
    run = runs.of(client, case)
    assert run.works is case.publishes, run.output
    if not run.works:
        assert run.status in (401, 403)
        assert str(run.status) in run.said


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
@pytest.mark.parametrize("client", INSTALLERS)
def test_who_may_read_installs_and_nobody_else(runs: Runs, client: str, case: Case) -> None:
    run = runs.of(client, case)
    assert run.works is case.installs, run.output
    if not run.works:
        assert run.status in (401, 403)


def test_nobody_reads_the_words_of_an_accident(runs: Runs) -> None:
    for case in CASES:
        for client in (*PUBLISHERS, *INSTALLERS):
            assert "Traceback" not in runs.of(client, case).output


def test_the_page_tells_what_this_run_found(runs: Runs) -> None:
    clients = (*PUBLISHERS, *INSTALLERS)
    rows = [[case.key, *outcomes(runs, case).values()] for case in CASES]
    heads = ["token", *(named(client) for client in clients)]
    compare_or_write(PAGE, {"tokens": table(heads, rows), "texts": _texts(runs)}, session="github")


def _texts(runs: Runs) -> str:
    """What was shown where it did not work; cases with the same text stand together."""
    parts = []
    for client in (*PUBLISHERS, *INSTALLERS):
        by_text: dict[str, list[str]] = {}
        for case in CASES:
            run = runs.of(client, case)
            if not run.works:
                by_text.setdefault(run.said, []).append(case.key)
        parts.append(f"### {client}")
        parts += [f"{'; '.join(keys)}:\n\n```text\n{text}\n```" for text, keys in by_text.items()]
    return "\n\n".join(parts)
