"""The stand-in against what GitHub really answered. The recordings are fetched, and kept nowhere."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from github_fake import FakeGitHub
from github_fake.evidence.recordings import (
    Recorded,
    octokit_archive,
    of_octokit,
    of_pygithub,
    pygithub_archive,
)
from github_fake.evidence.replay import Replay
from github_fake.recut import CUT, cut, document_of, download, text_of

pytestmark = pytest.mark.slow

PYGITHUB = re.compile(
    r"(GitRelease|ReleaseModify|ReleaseAsset|GitReleaseAsset|PublicReleaseAsset|GitRef)\.(setUp|test\w+)"
    r"|RateLimiting\.testGetRateLimit|RateLimitOverview\.setUp"
    r"|Workflow\.testCreateDispatch\w+"
    r"|Repository\.test(CreateFile|UpdateFile|DeleteFile|GetContents|GetContentsDir|GetContentsWithRef)"
    r"|Repository\.test(CollaboratorPermission\w*|CreateRepoActionsSecret|CreateRepositoryDispatch)"
    r"|Repository\.test(CreateGit(Blob|Commit|Ref|Tree)\w*|CreateGitRelease|GetGitRef|GetGitTree\w*)"
)
OCTOKIT = (
    "create-file",
    "get-content",
    "get-repository",
    "git-refs",
    "release-assets",
    "release-assets-conflict",
    "rename-repository",
)

NOT_IMITATED = {
    "Workflow.testCreateDispatchException": "which inputs a workflow requires, the stand-in does not read",
}


def test_the_stand_in_answers_as_pygithub_recorded(tmp_path: Path) -> None:
    recordings = of_pygithub(fetched(pygithub_archive, tmp_path), PYGITHUB)
    assert NOT_IMITATED.keys() <= recordings.keys()
    assert compared({name: found for name, found in recordings.items() if name not in NOT_IMITATED}) >= 150


def test_the_stand_in_answers_as_octokit_recorded(tmp_path: Path) -> None:
    assert compared(of_octokit(fetched(octokit_archive, tmp_path), OCTOKIT)) >= 20


def test_the_cut_is_what_the_package_of_githubs_document_says(tmp_path: Path) -> None:
    assert text_of(cut(document_of(fetched(download, tmp_path)))) == CUT.read_text(encoding="utf-8")


def fetched(fetch: Callable[[Path], Path], folder: Path) -> Path:
    """What ``fetch`` put into ``folder``; the test is skipped when the registry cannot be reached."""
    try:
        return fetch(folder)
    except (subprocess.SubprocessError, OSError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()
        pytest.skip(f"the package could not be fetched: {said[-1] if said else error}")


def compared(recordings: dict[str, list[Recorded]]) -> int:
    """How many exchanges were asked again; all must be answered alike."""
    asked, differences = 0, []
    for name, recording in sorted(recordings.items()):
        with FakeGitHub.running() as fake:
            for exchange, found in Replay(fake, recording).differences().items():
                asked += 1
                differences += [f"{name}, {exchange}: {difference}" for difference in found]
            fake.violations.clear()  # clients of then sent what the document of today does not know
    assert not differences, "\n".join(differences)
    return asked
