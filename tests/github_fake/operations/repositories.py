"""Repositories, their people, and who the caller is."""

from __future__ import annotations

from github_fake.contract import contract
from github_fake.exchange import Answer, Refusal, invalid, not_found
from github_fake.operations.registry import Exchange, operation, wanted
from github_fake.rights import Rights
from github_fake.tokens import Role, TokenKind
from github_fake.world import Repository

# What of a repository only those are told who may push. Here a token's own grant counts; in `permissions` it does not.
_OF_PUSHERS = frozenset(
    {
        "allow_auto_merge",
        "allow_merge_commit",
        "allow_rebase_merge",
        "allow_squash_merge",
        "allow_update_branch",
        "delete_branch_on_merge",
        "merge_commit_message",
        "merge_commit_title",
        "squash_merge_commit_message",
        "squash_merge_commit_title",
        "use_squash_pr_title_as_default",
    }
)


@operation("repos/get")
def get_repository(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    return Answer(status=200, content=_rendered(exchange, repository, rights))


@operation("repos/update")
def update_repository(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("administration", "write")
    asked = exchange.request.json()
    if asked.get("default_branch") and f"refs/heads/{asked['default_branch']}" not in repository.git.refs:
        raise invalid("Repository", "invalid", "default_branch")
    for name in ("description", "private", "archived", "default_branch"):
        if name in asked:
            setattr(repository, name, asked[name])
    if "visibility" in asked:
        repository.private = asked["visibility"] != "public"
    if asked.get("name", repository.name) != repository.name:
        if exchange.world.repository(f"{repository.owner}/{asked['name']}") is not None:
            raise invalid("Repository", "custom", "name", "name already exists on this account")
        exchange.world.former_names[repository.full_name.lower()] = repository.id
        repository.name = asked["name"]
    return Answer(status=200, content=_rendered(exchange, repository, rights))


@operation("repos/delete")
def delete_repository(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("administration", "write")
    token = exchange.request.token
    assert token is not None
    if token.kind is TokenKind.CLASSIC and "delete_repo" not in token.scopes:
        raise Refusal(403, "Must have admin rights to Repository.")
    del exchange.world.repositories[repository.id]
    return Answer(status=204)


@operation("repos/create-for-authenticated-user")
def create_for_user(exchange: Exchange) -> Answer:
    token = exchange.request.token
    if token is None:
        raise Refusal(401, "Requires authentication")
    if token.kind.is_app:
        raise Refusal(403, "Resource not accessible by integration")
    return _create(exchange, token.login)


@operation("repos/create-in-org")
def create_in_organization(exchange: Exchange) -> Answer:
    organization, token = exchange.request.parameters["org"], exchange.request.token
    if organization not in exchange.world.organizations:
        raise not_found()
    if token is None:
        raise Refusal(401, "Requires authentication")
    if token.kind is TokenKind.ACTIONS:
        raise Refusal(403, "Resource not accessible by integration")
    if token.kind is not TokenKind.INSTALLATION and token.login not in exchange.world.members.get(organization, ()):
        raise Refusal(403, "You need admin access to the organization before adding a repository to it.")
    return _create(exchange, organization)


@operation("repos/get-collaborator-permission-level")
def permission_level(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("metadata")
    login, token = exchange.request.parameters["username"], exchange.request.token
    if token is None or (not token.kind.is_app and rights.role < Role.WRITE and token.login != login):
        raise Refusal(403, "Must have push access to view collaborator permission.")
    if login not in exchange.world.users:
        raise not_found()
    role = exchange.world.role(repository, login)
    coarse = {Role.NONE: "none", Role.READ: "read", Role.TRIAGE: "read", Role.ADMIN: "admin"}.get(role, "write")
    template = contract().example("repository-collaborator-permission-response-if-user-has-admin-permissions")
    at_least = {
        "pull": Role.READ,
        "triage": Role.TRIAGE,
        "push": Role.WRITE,
        "maintain": Role.MAINTAIN,
        "admin": Role.ADMIN,
    }
    permissions = {name: role >= needed for name, needed in at_least.items()}
    role_name = role.name.lower()
    user = template["user"] | exchange.render.user(login) | {"permissions": permissions, "role_name": role_name}
    return Answer(status=200, content={"permission": coarse, "role_name": role_name, "user": user})


@operation("users/get-authenticated")
def who_am_i(exchange: Exchange) -> Answer:
    token = exchange.request.token
    if token is None:
        raise Refusal(401, "Requires authentication")
    if token.kind.is_app:
        raise Refusal(403, "Resource not accessible by integration")
    return Answer(status=200, content=exchange.render.account(token.login, private=True))


@operation("users/get-by-username")
def somebody(exchange: Exchange) -> Answer:
    login = exchange.request.parameters["username"]
    if login not in exchange.world.users and login not in exchange.world.organizations:
        raise not_found()
    return Answer(status=200, content=exchange.render.account(login, private=False))


def _rendered(exchange: Exchange, repository: Repository, rights: Rights) -> dict[str, object]:
    token = exchange.request.token
    is_app = token is not None and token.kind.is_app
    document = exchange.render.repository(repository, rights.role, pushes=not is_app)
    hidden = set() if rights.pushes else set(_OF_PUSHERS)
    if token is None:
        hidden.add("permissions")
    return {name: value for name, value in document.items() if name not in hidden}


def _create(exchange: Exchange, owner: str) -> Answer:
    asked, token = exchange.request.json(), exchange.request.token
    assert token is not None
    name = wanted(asked, "name")
    private = bool(asked.get("private", asked.get("visibility", "public") != "public"))
    if token.kind is TokenKind.CLASSIC:
        needed = {"repo"} if private else {"repo", "public_repo"}
        if not needed & token.scopes:
            raise not_found()
    elif not token.allows("administration", "write"):
        what = "personal access token" if token.kind is TokenKind.FINE_GRAINED else "integration"
        raise Refusal(403, f"Resource not accessible by {what}")
    if exchange.world.repository(f"{owner}/{name}") is not None:
        raise Refusal(
            422,
            "Repository creation failed.",
            errors=[
                {
                    "resource": "Repository",
                    "code": "custom",
                    "field": "name",
                    "message": "name already exists on this account",
                }
            ],
        )
    repository = exchange.world.add_repository(
        owner, name, private=private, auto_init=bool(asked.get("auto_init")), description=asked.get("description")
    )
    if owner != token.login:
        repository.collaborators[token.login] = Role.ADMIN
    if token.repositories is not None:
        token.repositories |= {repository.full_name}
    content = _rendered(exchange, repository, Rights(exchange.world, repository, token))
    return Answer(status=201, content=content, headers={"location": str(content["url"])})
