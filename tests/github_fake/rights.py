"""Who may do what, and how GitHub says no: `404` to whoever may not know, `403` to a token whose grant is too small."""

from __future__ import annotations

from dataclasses import dataclass

from github_fake.exchange import Refusal, not_found
from github_fake.tokens import Role, Token, TokenKind
from github_fake.world import Repository, World

# The role that a user needs before a token's grant counts: for writing, and for reading where not every reader may.
_WRITER = {
    "contents": Role.WRITE,
    "workflows": Role.WRITE,
    "actions": Role.WRITE,
    "secrets": Role.WRITE,
    "pages": Role.MAINTAIN,
    "administration": Role.ADMIN,
    "repository_hooks": Role.ADMIN,
}
_READER = {"secrets": Role.WRITE, "administration": Role.ADMIN, "repository_hooks": Role.ADMIN}


@dataclass(frozen=True)
class Rights:
    """What one caller may do in one repository; ``token`` is None for whoever did not say who they are."""

    world: World
    repository: Repository
    token: Token | None

    @property
    def role(self) -> Role:
        """What `permissions` of the repository tells: the user's role, whatever the token was granted."""
        if self.token is None:
            return self.world.role(self.repository, "")
        if self.token.kind.is_app:
            return Role.READ if self._reaches() or not self.repository.private else Role.NONE
        return self.world.role(self.repository, self.token.login)

    @property
    def sees(self) -> bool:
        if not self.repository.private:
            return True
        if self.token is None or not self._reaches():
            return False
        return self.token.kind.is_app or self.role >= Role.READ

    @property
    def pushes(self) -> bool:
        """Whether drafts, and uploads that broke off, are to be seen."""
        return self.sees and self._is_allowed("contents", "write")

    def need(self, permission: str, level: str = "read") -> None:
        """:raises Refusal: when the caller may not."""
        if not self.sees:
            raise not_found()
        if not self._is_allowed(permission, level):
            raise self._refusal(permission, level)
        if level == "write" and self.repository.archived and permission != "administration":
            raise Refusal(403, "Repository was archived so is read-only.")

    def _reaches(self) -> bool:
        """Whether the token is for this repository at all."""
        assert self.token is not None
        if self.token.kind is TokenKind.CLASSIC:
            return "repo" in self.token.scopes
        named = self.token.repositories
        return named is None or self.repository.full_name in named

    def _is_allowed(self, permission: str, level: str) -> bool:
        public_read = level == "read" and permission in ("metadata", "contents", "actions", "pages")
        if public_read and not self.repository.private:
            return True
        if self.token is None:
            return False
        needed = _WRITER[permission] if level == "write" else _READER.get(permission, Role.READ)
        if not self.token.kind.is_app and self.role < needed:
            return False
        if self.token.kind is not TokenKind.CLASSIC:
            return self._reaches() and self.token.allows(permission, level)
        if permission == "workflows":
            return "workflow" in self.token.scopes
        return "repo" in self.token.scopes or ("public_repo" in self.token.scopes and not self.repository.private)

    def _refusal(self, permission: str, level: str) -> Refusal:
        accepted = {"x-accepted-github-permissions": f"{permission}={level}"}
        if self.token is None:
            return Refusal(401, "Requires authentication")
        if self.token.kind is TokenKind.FINE_GRAINED:
            return Refusal(403, "Resource not accessible by personal access token", headers=accepted)
        if self.token.kind.is_app:
            return Refusal(403, "Resource not accessible by integration", headers=accepted)
        if permission in ("administration", "repository_hooks", "pages"):
            return Refusal(403, "Must have admin rights to Repository.")
        return not_found()
