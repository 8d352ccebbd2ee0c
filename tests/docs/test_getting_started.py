"""Whoever follows the page gets what it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from docs.code_blocks import DOCS
from support.initialised import read_secrets
from support.repository_copy import copy_repository
from support.served import free_port
from support.shell_blocks import commands, scripts
from support.terminal import Terminal, secrets_in_variables, words_for

PAGE = DOCS / "getting-started.md"


@pytest.mark.slow
@pytest.mark.follows("docs/getting-started.md", "Install", "First server", "First upload", "First install")
@pytest.mark.follows("docs/getting-started.md", "A name that stays yours", "A second repository")
def test_the_page_leads_from_a_clone_to_two_repositories(tmp_path: Path) -> None:
    clone = copy_repository(tmp_path / "clone")
    port = free_port()
    terminal = Terminal(clone, words_for(port), online=True)
    *before, server = [*commands(PAGE, "Install"), *commands(PAGE, "First server")]
    for line in before:
        terminal.type(line)

    @contextmanager
    def served() -> Iterator[None]:
        with terminal.serve(server, port) as it:
            yield
            assert it.stop() == 0, it.said()
            assert it.processes() == []

    with served():
        terminal.variables |= secrets_in_variables(read_secrets(clone / "my-root"))
        terminal.follow(PAGE, "First upload", "First install")
        assert terminal.installed("acme-hello") == "0.1.0"
        why, declare = scripts(PAGE, "A name that stays yours")
        assert "nothing here claims it: clients are sent to" in terminal.type(why)
        terminal.type(declare)
    with served():
        assert "declares it private" in terminal.type(why)
        add, use = scripts(PAGE, "A second repository")
        terminal.type(add)
    with served():
        for line in use.splitlines():
            said = terminal.type(line)
        assert "acme-hello==0.1.0" in said
        assert list((clone / "my-root/cache/team/storage/acme-hello").glob("*.whl"))
