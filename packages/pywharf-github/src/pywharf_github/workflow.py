"""The workflow that keeps the index in line with the releases, and how it is told from others."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from importlib.resources import files

from pywharf_core import WharfError

WORKFLOW = ".github/workflows/update_index.yml"

#: Where pywharf 0.2 had its workflow. It would write over the index each minute, in a form of its own.
OLD_WORKFLOW = ".github/workflows/main.yml"

_MARK = b"Written by `pywharf github.init_pkg_repo`"
_OLD_MARKS = (b"update_index", b"--type github")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is wanted.

    :ivar name: of the package repository in pywharf's configuration.
    :ivar branch: None: the repository's default branch.
    :ivar pywharf_version: that the workflow installs; None: the newest that has this command.
    """

    name: str
    owner: str
    repo: str
    branch: str | None
    index_filename: str
    public: bool
    pages: bool
    pywharf_version: str | None


def is_ours(workflow: bytes) -> bool:
    return _MARK in workflow


def is_version_0_2_s(workflow: bytes) -> bool:
    return all(mark in workflow for mark in _OLD_MARKS)


def workflow_text(plan: Plan, branch: str) -> str:
    """The workflow that keeps the index in line.

    :raises WharfError: the branch's name would be read as an expression.
    """
    if "${{" in branch:
        raise WharfError("A branch whose name holds ${{ cannot be named in a workflow; choose another --branch.")
    # Not all repositories at the same minute: GitHub drops schedules when too many fall together.
    number = int.from_bytes(hashlib.sha256(f"{plan.owner}/{plan.repo}".lower().encode()).digest()[:2])
    names = ["update_index.yml", *(["pages.yml"] if plan.pages else [])]
    template = "".join(
        files("pywharf_github").joinpath("templates", name).read_text(encoding="utf-8") for name in names
    )
    return template.format(
        minute=number % 60,
        hour=number // 60 % 24,
        pin=">=1.0" if plan.pywharf_version is None else f"=={plan.pywharf_version}",  # 0.2 is another program
        name=shlex.quote(plan.name),
        branch=shlex.quote(branch),
        index_filename=shlex.quote(plan.index_filename),
    )
