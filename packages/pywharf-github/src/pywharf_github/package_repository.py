"""A GitHub repository made into a package repository, step by step: each step finds out whether it is done already."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from pywharf_core import NotAuthenticated, NotPermitted, Secret
from pywharf_github.answers import Answer, refusal
from pywharf_github.client import Client, segment
from pywharf_github.connections import Connections
from pywharf_github.token_form import is_token
from pywharf_github.workflow import OLD_WORKFLOW, WORKFLOW, Plan, is_ours, is_version_0_2_s, workflow_text


@dataclass(frozen=True, slots=True)
class Step:
    """What was done, or (in a rehearsal) would be; ``needed`` is False where it was so already."""

    sentence: str
    needed: bool


def login_of(connections: Connections, token: Secret) -> str:
    """The user whose token it is.

    :raises NotPermitted: a token of an App or a workflow, which has no user.
    :raises NotAuthenticated: GitHub does not know it.
    """
    login = _user(connections, token)
    if login is None:
        raise NotPermitted("This token belongs to no user; give --owner.")
    return login


class PackageRepository:
    """Makes one, with one token."""

    def __init__(self, connections: Connections, plan: Plan, token: Secret) -> None:
        self._connections = connections
        self._plan = plan
        self._token = token
        self._client = Client(connections, plan.owner, plan.repo, token)
        self._full_name = f"{plan.owner}/{plan.repo}"

    def steps(self, *, rehearsal: bool) -> Iterator[Step]:
        """Do what is missing, in order, and tell of each step after it; an interrupted run is taken up by the next.

        :param rehearsal: change nothing.
        :raises WharfError: a step failed; those before it are done.
        """
        found = self._found()
        if found is not None:
            self._check_fitting(found)
        kind = "public" if self._plan.public else "private"
        if found is None and not rehearsal:
            found = self._create()
            yield Step(f"create the {kind} GitHub repository {self._full_name}", True)
        elif found is None:
            yield Step(f"create the {kind} GitHub repository {self._full_name}", True)
        else:
            yield Step(f"the {kind} GitHub repository {self._full_name} exists", False)
        default_branch = "main" if found is None else str(found["default_branch"])
        branch = self._plan.branch or default_branch
        # First, as it gives an empty repository its first commit, without which there is no branch to begin another at.
        yield self._workflow_step(branch, exists=found is not None, rehearsal=rehearsal)
        if self._plan.branch is not None:
            yield self._branch_step(branch, default_branch, exists=found is not None, rehearsal=rehearsal)
        if self._plan.pages:
            yield self._pages_step(exists=found is not None, rehearsal=rehearsal)

    def has_old_workflow(self) -> bool:
        """Whether the workflow of pywharf 0.2 is at work, which must not be."""
        answer = self._client.ask("GET", f"/contents/{OLD_WORKFLOW}", also=(HTTPStatus.NOT_FOUND,))
        return answer.is_success and is_version_0_2_s(_content(answer))

    # --- the repository -----------------------------------------------------------------------------------

    def _found(self) -> Mapping[str, Any] | None:
        answer = self._client.ask("GET", also=(HTTPStatus.NOT_FOUND,))
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        data: Mapping[str, Any] = answer.data
        return data

    def _check_fitting(self, found: Mapping[str, Any]) -> None:
        name = self._full_name
        if str(found["full_name"]).lower() != name.lower():
            raise NotPermitted(f"The GitHub repository {name} is {found['full_name']} now; give --owner and --repo so.")
        if found.get("archived"):
            raise NotPermitted(f"The GitHub repository {name} is archived; unarchive it, or choose another --repo.")
        if bool(found["private"]) == self._plan.public:
            has = "private" if found["private"] else "public"
            raise NotPermitted(
                f"The GitHub repository {name} exists and is {has}; "
                + ("leave out --public, " if self._plan.public else "add --public if that is meant, ")
                + "or change its visibility on GitHub."
            )

    def _create(self) -> Mapping[str, Any]:
        login = _user(self._connections, self._token)
        own = login is not None and login.lower() == self._plan.owner.lower()
        answer = self._connections.mine().ask(
            self._token,
            "POST",
            "/user/repos" if own else f"/orgs/{segment(self._plan.owner)}/repos",
            body={
                "name": self._plan.repo,
                "description": "Python packages, served by pywharf",
                "private": not self._plan.public,
                # The workflow is the first commit. One that GitHub makes by itself comes a moment after the answer, and
                # in the way of ours.
                "auto_init": False,
                "has_issues": False,
                "has_projects": False,
                "has_wiki": False,
            },
        )
        if answer.status == HTTPStatus.NOT_FOUND:
            raise NotPermitted(
                "GitHub lets this token create no repository here; a classic one needs the scope repo, a fine-grained one "
                "the permission Administration: write."
                if own
                else f"GitHub knows no organisation {self._plan.owner} in which this token may create repositories."
            )
        if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY and "already exists" in answer.reason:
            raise NotPermitted(
                f"The GitHub repository {self._full_name} exists, but this token does not see it; "
                "let the token have access to it."
            )
        data: Mapping[str, Any] = _demand(answer).data
        return data

    # --- what is in it ------------------------------------------------------------------------------------

    def _workflow_step(self, branch: str, *, exists: bool, rehearsal: bool) -> Step:
        text = workflow_text(self._plan, branch).encode()
        sha = None
        if exists:
            answer = self._client.ask("GET", f"/contents/{WORKFLOW}", also=(HTTPStatus.NOT_FOUND,))
            if answer.is_success:
                present = _content(answer)
                if present == text:
                    return Step(f"the workflow {WORKFLOW} is there", False)
                if not is_ours(present):
                    raise NotPermitted(f"{WORKFLOW} is there, and not pywharf's; rename it, or choose another --repo.")
                sha = str(answer.data["sha"])
        if not rehearsal:
            self._write_workflow(text, sha)
        return Step(f"{'write' if sha is None else 'renew'} the workflow {WORKFLOW}", True)

    def _write_workflow(self, text: bytes, sha: str | None) -> None:
        body = {
            "message": "Keep the package index in line with the releases",
            "content": base64.b64encode(text).decode(),
            **({} if sha is None else {"sha": sha}),
        }
        refused = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
        answer = self._client.ask("PUT", f"/contents/{WORKFLOW}", body=body, also=refused)
        if answer.status in refused:
            error = refusal(answer)
            if not isinstance(error, NotPermitted):
                raise error
            said = f" ({answer.reason})" if answer.status == HTTPStatus.FORBIDDEN and answer.reason else ""
            raise NotPermitted(
                f"GitHub does not let this token write the workflow{said}; a classic token needs the scopes repo and "
                "workflow, a fine-grained or App's one the permissions Contents: write and Workflows: write."
            )

    def _branch_step(self, branch: str, default_branch: str, *, exists: bool, rehearsal: bool) -> Step:
        absent = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)  # the latter of a repository without commits
        if exists:
            answer = self._client.ask("GET", f"/git/ref/heads/{quote(branch)}", also=absent)
            if answer.is_success:
                return Step(f"the branch {branch} is there", False)
        if not rehearsal:
            head = self._client.ask("GET", f"/git/ref/heads/{quote(default_branch)}").data["object"]["sha"]
            made = self._client.ask(
                "POST",
                "/git/refs",
                body={"ref": f"refs/heads/{branch}", "sha": head},
                also=(HTTPStatus.UNPROCESSABLE_ENTITY,),
            )
            if not made.is_success and "already exists" not in made.reason:
                raise refusal(made)
        return Step(f"make the branch {branch} for the index", True)

    def _pages_step(self, *, exists: bool, rehearsal: bool) -> Step:
        already = Step("GitHub Pages is on", False)
        if exists and self._client.ask("GET", "/pages", also=(HTTPStatus.NOT_FOUND,)).is_success:
            return already
        if not rehearsal:
            try:
                answer = self._client.ask(
                    "POST", "/pages", body={"build_type": "workflow"}, also=(HTTPStatus.CONFLICT,)
                )
            except NotPermitted as error:
                raise NotPermitted(
                    "GitHub does not let this token switch on GitHub Pages; a fine-grained or App's token needs the "
                    "permissions Pages: write and Administration: write, and its user must administer the repository."
                ) from error
            if answer.status == HTTPStatus.CONFLICT:
                return already
        return Step("switch on GitHub Pages", True)


def _user(connections: Connections, token: Secret) -> str | None:
    """The login of the token's user; None: it has none."""
    if not is_token(token):
        raise NotAuthenticated("This is not a GitHub token.")
    answer = connections.mine().ask(token, "GET", "/user")
    if answer.status == HTTPStatus.FORBIDDEN and isinstance(refusal(answer), NotPermitted):
        return None
    return str(_demand(answer).data["login"])


def _content(answer: Answer) -> bytes:
    return base64.b64decode(answer.data["content"])


def _demand(answer: Answer) -> Answer:
    if not answer.is_success:
        raise refusal(answer)
    return answer
