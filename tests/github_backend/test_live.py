"""A package's whole life on GitHub itself, if somebody gives a token for it; and the same on the stand-in.

==================================  =====================================================================================
``PYWHARF_LIVE_GITHUB_TOKEN``       may make, write to and delete private repositories: a classic one with the scopes
                                    `repo`, `workflow` and `delete_repo`, or a fine-grained one with *Administration*,
                                    *Contents* and *Workflows*: write, for all repositories of its owner
``PYWHARF_LIVE_GITHUB_OWNER``       whose repository it shall be; the token's user, unless it is said
``PYWHARF_LIVE_GITHUB_API_URL``     of an Enterprise Server
==================================  =====================================================================================
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from github_backend.live_cycle import Account, full_cycle
from github_fake import FakeGitHub
from pywharf_github.options import API_URL

pytestmark = pytest.mark.slow


def test_a_package_s_life_on_the_stand_in(tmp_path: Path) -> None:
    with FakeGitHub.running() as fake:
        maker = fake.token("maker", scopes={"repo", "workflow", "delete_repo"})
        full_cycle(Account(fake.api_url, maker.value), tmp_path)
        assert not fake.world.repositories, "nothing is left of it"


@pytest.mark.skipif("PYWHARF_LIVE_GITHUB_TOKEN" not in os.environ, reason="PYWHARF_LIVE_GITHUB_TOKEN is not set")
def test_a_package_s_life_on_github_itself(tmp_path: Path) -> None:
    account = Account(
        os.environ.get("PYWHARF_LIVE_GITHUB_API_URL", API_URL),
        os.environ["PYWHARF_LIVE_GITHUB_TOKEN"],
        os.environ.get("PYWHARF_LIVE_GITHUB_OWNER"),
    )
    full_cycle(account, tmp_path)
