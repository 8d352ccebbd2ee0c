"""A GitHub repository made into a package repository, step by step: each step finds out whether it is done already."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from pywharf_core import NotPermitted, Secret
from pywharf_github.answers import Answer, refusal
from pywharf_github.client import Client, Connections, segment

WORKFLOW = ".github/workflows/update_index.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is wanted.

    :ivar name: of the package repository in pywharf's configuration.
    :ivar branch: None: the repository's default branch.
    :ivar pywharf_version: that the workflow installs; None: the newest.
    """

    name: str
    owner: str
    repo: str
    branch: str | None
    index_filename: str
    public: bool
    pages: bool
    pywharf_version: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """What was done, or (in a rehearsal) would be; ``needed`` is False where it was so already."""

    sentence: str
    needed: bool


def login_of(connections: Connections, token: Secret) -> str:
    """The user whose token it is.

    :raises NotPermitted: a token of an App or a workflow, which has no user.
    """
    answer = connections.mine().ask(token, "GET", "/user")
    if answer.status == HTTPStatus.FORBIDDEN:
        raise NotPermitted("This token belongs to no user; give --owner.")
    return str(_demand(answer).data["login"])


class PackageRepository:
    """Makes one, with one token."""

    def __init__(self, connections: Connections, plan: Plan, token: Secret) -> None:
        self._connections = connections
        self._plan = plan
        self._token = token
        self._client = Client(connections, plan.owner, plan.repo, token)

    def steps(self, *, rehearsal: bool) -> Iterator[Step]:
        """Do what is missing, in order; a run that was interrupted is taken up by the next.

        :param rehearsal: change nothing.
        :raises WharfError: a step failed; those before it are done.
        """
        found = self._found()
        yield self._repository_step(found)
        if found is None and not rehearsal:
            found = self._create()
        branch = self._plan.branch or (str(found["default_branch"]) if found else "main")
        if self._plan.branch is not None:
            yield self._branch_step(branch, found, rehearsal=rehearsal)
        yield self._workflow_step(branch, exists=found is not None, rehearsal=rehearsal)
        if self._plan.pages:
            yield self._pages_step(exists=found is not None, rehearsal=rehearsal)

    def _found(self) -> Mapping[str, Any] | None:
        path = f"/repos/{segment(self._plan.owner)}/{segment(self._plan.repo)}"
        answer = self._connections.mine().ask(self._token, "GET", path)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        data: Mapping[str, Any] = _demand(answer).data
        return data

    def _repository_step(self, found: Mapping[str, Any] | None) -> Step:
        name = f"{self._plan.owner}/{self._plan.repo}"
        wanted = "public" if self._plan.public else "private"
        if found is None:
            return Step(f"create the {wanted} GitHub repository {name}", True)
        if found.get("archived"):
            raise NotPermitted(f"The GitHub repository {name} is archived; unarchive it, or choose another --repo.")
        if bool(found["private"]) == self._plan.public:
            has = "private" if found["private"] else "public"
            raise NotPermitted(
                f"The GitHub repository {name} exists and is {has}; "
                + ("leave out --public, " if self._plan.public else "add --public if that is meant, ")
                + "or change its visibility on GitHub."
            )
        return Step(f"the {wanted} GitHub repository {name} exists", False)

    def _create(self) -> Mapping[str, Any]:
        connection = self._connections.mine()
        own = self._is_own()
        path = "/user/repos" if own else f"/orgs/{segment(self._plan.owner)}/repos"
        answer = connection.ask(
            self._token,
            "POST",
            path,
            body={
                "name": self._plan.repo,
                "description": "Python packages, served by pywharf",
                "private": not self._plan.public,
                "auto_init": True,  # an empty repository has no branch to write to
                "has_issues": False,
                "has_projects": False,
                "has_wiki": False,
            },
        )
        if answer.status == HTTPStatus.NOT_FOUND:
            raise NotPermitted(
                f"GitHub knows no organisation {self._plan.owner} in which this token may create repositories."
            )
        data: Mapping[str, Any] = _demand(answer).data
        return data

    def _is_own(self) -> bool:
        answer = self._connections.mine().ask(self._token, "GET", "/user")
        return answer.is_success and str(answer.data["login"]).lower() == self._plan.owner.lower()

    def _branch_step(self, branch: str, found: Mapping[str, Any] | None, *, rehearsal: bool) -> Step:
        if found is not None:
            answer = self._client.ask("GET", f"/git/ref/heads/{quote(branch)}", also=(HTTPStatus.NOT_FOUND,))
            if answer.is_success:
                return Step(f"the branch {branch} is there", False)
            if not rehearsal:
                head = self._client.ask("GET", f"/git/ref/heads/{quote(str(found['default_branch']))}")
                self._client.ask(
                    "POST", "/git/refs", body={"ref": f"refs/heads/{branch}", "sha": head.data["object"]["sha"]}
                )
        return Step(f"make the branch {branch} for the index", True)

    def _workflow_step(self, branch: str, *, exists: bool, rehearsal: bool) -> Step:
        text = workflow_text(self._plan, branch)
        sha = None
        if exists or not rehearsal:
            answer = self._client.ask("GET", f"/contents/{WORKFLOW}", also=(HTTPStatus.NOT_FOUND,))
            if answer.is_success:
                if base64.b64decode(answer.data["content"]).decode() == text:
                    return Step(f"the workflow {WORKFLOW} is there", False)
                sha = str(answer.data["sha"])
        if not rehearsal:
            self._write_workflow(text, sha)
        return Step(f"{'write' if sha is None else 'renew'} the workflow {WORKFLOW}", True)

    def _write_workflow(self, text: str, sha: str | None) -> None:
        body = {
            "message": "Keep the package index in line with the releases",
            "content": base64.b64encode(text.encode()).decode(),
            **({} if sha is None else {"sha": sha}),
        }
        try:
            self._client.ask("PUT", f"/contents/{WORKFLOW}", body=body)
        except NotPermitted as error:
            raise NotPermitted(
                f"GitHub does not let this token write the workflow ({error}); a classic token needs the scope workflow, "
                "a fine-grained one the permission Workflows: write."
            ) from error

    def _pages_step(self, *, exists: bool, rehearsal: bool) -> Step:
        if exists or not rehearsal:
            answer = self._client.ask("GET", "/pages", also=(HTTPStatus.NOT_FOUND,))
            if answer.is_success:
                return Step("GitHub Pages is on", False)
        if not rehearsal:
            answer = self._client.ask("POST", "/pages", body={"build_type": "workflow"}, also=(HTTPStatus.CONFLICT,))
            if answer.status == HTTPStatus.CONFLICT:
                return Step("GitHub Pages is on", False)
        return Step("switch on GitHub Pages, which shows the packages' names to everybody who may see the page", True)


def workflow_text(plan: Plan, branch: str) -> str:
    """The workflow that keeps the index in line."""
    template = files("pywharf_github").joinpath("templates/update_index.yml").read_text(encoding="utf-8")
    # Not all repositories at the same minute: GitHub drops schedules when too many fall together.
    number = int.from_bytes(hashlib.sha256(f"{plan.owner}/{plan.repo}".encode()).digest()[:2])
    return template.format(
        minute=number % 60,
        hour=number // 60 % 24,
        pin="" if plan.pywharf_version is None else f"=={plan.pywharf_version}",
        name=plan.name,
        branch=branch,
        index_filename=plan.index_filename,
    )


def _demand(answer: Answer) -> Answer:
    if not answer.is_success:
        raise refusal(answer)
    return answer
