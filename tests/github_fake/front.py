"""From a request to its answer: faults, tokens, limits, GitHub's document, and then the operation itself."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import formatdate
from urllib.parse import parse_qsl, urlsplit

from github_fake.calls import Call, Calls
from github_fake.contract import Operation, contract
from github_fake.exchange import Answer, Refusal, Request, not_found
from github_fake.faults import Fault, Faults
from github_fake.operations import actions, assets, contents, git_data, releases, repositories, settings
from github_fake.operations.registry import HANDLERS, Exchange, operation
from github_fake.rate_limits import RateLimits
from github_fake.render import Renderer
from github_fake.rights import Rights
from github_fake.storage import Storage
from github_fake.tokens import Role, Token, TokenKind
from github_fake.webhooks import Event
from github_fake.world import Release, Repository, World

FAMILIES = (actions, assets, contents, git_data, releases, repositories, settings)  # imported for what they register

_API, _UPLOADS, _STORAGE = "/api/v3", "/api/uploads", "/api/storage"
_BY_ID = re.compile(r"/repositories/(\d+)(/.*)?")
_BY_NAME = re.compile(r"/repos/([^/]+/[^/]+)(/.*)?")
_CONTENT_CREATING = frozenset(
    {
        "repos/create-release",
        "repos/update-release",
        "repos/upload-release-asset",
        "repos/create-or-update-file-contents",
        "git/create-commit",
    }
)
_VERSIONS = frozenset({"2022-11-28"})


class ConnectionCut(Exception):
    """The other side gets no answer, or no more of it."""


@dataclass(frozen=True)
class Incoming:
    """A request whose body was not read yet.

    :ivar read_body: reads so many bytes of it, or all.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    read_body: Callable[[int | None], bytes]


@dataclass(frozen=True)
class Outgoing:
    """:ivar cut_at: bytes of the body to send before the connection is cut; None: all.
    :ivar stall_at: bytes of the body to send before nothing more comes.
    """

    answer: Answer
    headers: Mapping[str, str]
    cut_at: int | None = None
    stall_at: int | None = None


@dataclass
class Front:
    """:ivar violations: what GitHub's document, or its rules for clients, forbids and somebody did all the same.
    :ivar hosts: which host name each prefix must be asked at; None: any.
    :ivar at_work: threads in which a request is being answered.
    """

    world: World
    render: Renderer
    storage: Storage
    limits: RateLimits
    faults: Faults = field(default_factory=Faults)
    calls: Calls = field(default_factory=Calls)
    events: list[Event] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    hosts: Mapping[str, str] | None = None
    at_work: Counter[int] = field(default_factory=Counter)

    def handle(self, incoming: Incoming) -> Outgoing:
        """:raises ConnectionCut: when there is to be no answer."""
        thread = threading.get_ident()
        self.at_work[thread] += 1
        try:
            return self._handled(incoming)
        finally:
            del self.at_work[thread]

    def _handled(self, incoming: Incoming) -> Outgoing:
        target = urlsplit(incoming.target)
        prefix = next((known for known in (_API, _UPLOADS, _STORAGE) if target.path.startswith(known + "/")), "")
        path = target.path.removeprefix(prefix)
        host = incoming.headers.get("host", "").partition(":")[0]
        if not prefix or (self.hosts is not None and self.hosts[prefix] != host):
            self.violations.append(f"{incoming.method} {target.path} at {host}: nothing is there")
            return Outgoing(Refusal(404, "Not Found").answer(), {})
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        token = None if prefix == _STORAGE else self._token(incoming.headers)
        method = "GET" if incoming.method == "HEAD" and prefix != _STORAGE else incoming.method
        found = None if prefix == _STORAGE else contract().match(method, self._named(path))
        name = f"{method} storage" if prefix == _STORAGE else found[0].name if found else f"{method} {path}"
        fault = self.faults.take(name) or Fault(name)
        status: int | None = None
        try:
            if fault.cut_request_at is not None:
                incoming.read_body(fault.cut_request_at)
                raise ConnectionCut
            body = incoming.read_body(None)
            if fault.before is not None:
                fault.before()
            self._stall(fault, "before")
            if prefix == _STORAGE:
                answer = self._of_storage(incoming, path, query, fault)
            else:
                answer = self._of_api(incoming, found, (prefix, path, target.query), query, body, token, fault)
            if fault.then is not None:
                fault.then()
            self._stall(fault, "after")
            if fault.lose_answer:
                raise ConnectionCut
            status = answer.status
        finally:
            # Before the answer is sent: who has it can count.
            self.calls.made.append(Call(name, incoming.method, incoming.target, token.name if token else None, status))
        stall_at = len(answer.body()) // 2 if fault.stall == "body" else None
        return Outgoing(answer, self._headers(answer, token, prefix), cut_at=fault.cut_answer_at, stall_at=stall_at)

    def stalled(self) -> None:
        """Wait until the test releases it."""
        self.faults.released.wait()

    def _of_storage(self, incoming: Incoming, path: str, query: Mapping[str, str], fault: Fault) -> Answer:
        if fault.answer is not None:
            return fault.answer
        with self.world.lock:
            if "authorization" in incoming.headers:
                self.violations.append(f"a token came to the storage host: {incoming.method} {path}")
            return self.storage.answer(incoming.method, path, query, incoming.headers)

    def _of_api(
        self,
        incoming: Incoming,
        found: tuple[Operation, dict[str, str]] | None,
        where: tuple[str, str, str],
        query: Mapping[str, str],
        body: bytes,
        token: Token | None,
        fault: Fault,
    ) -> Answer:
        prefix, path, query_text = where
        if fault.answer is not None and not fault.after:
            return fault.answer
        with self.world.lock:
            try:
                self._admit(incoming.headers, token, path)
                self._redirect_renamed(incoming.method, prefix, path, query_text, token)
            except Refusal as refusal:
                return refusal.answer()
            if found is None or (found[0].id == "repos/upload-release-asset") != (prefix == _UPLOADS):
                self.violations.append(
                    f"{incoming.method} {prefix}{path}: the cut of GitHub's document has no such operation"
                )
                return not_found().answer()
            request = Request(
                method=incoming.method,
                operation=found[0].id,
                path=path,
                parameters=found[1],
                query=query,
                headers=incoming.headers,
                body=body,
                token=token,
            )
            self.violations.extend(contract().faults_of_request(request))
            answer = self._conditional(request, self._answer(request, fault))
            if prefix == _UPLOADS and answer.status >= 400 and not answer.faulty:
                answer = _of_upload_host(answer)
            if not answer.faulty:
                self.violations.extend(contract().faults_of_answer(request, answer))
            return fault.answer if fault.answer is not None else answer

    def _answer(self, request: Request, fault: Fault) -> Answer:
        exchange = Exchange(request, self.world, self.render, self.storage, self.notify)
        try:
            if request.operation == "rate-limit/get":
                return Answer(status=200, content=self.limits.document(request.token))
            self.limits.use(request.token)
            if request.operation in _CONTENT_CREATING:
                self.limits.create_content(request.token)
            answer = HANDLERS[request.operation](exchange)
            if fault.leaves == "starter":
                self._break_off(answer.content["id"])
            return answer
        except Refusal as refusal:
            return refusal.answer()
        except Exception:
            self.violations.append(f"the stand-in itself failed at {request.operation}:\n{traceback.format_exc()}")
            return Answer(status=500, content={"message": "Server Error"}, faulty=True)

    def _break_off(self, asset_id: int) -> None:
        for repository in self.world.repositories.values():
            for release in repository.releases.values():
                if asset_id in release.assets:
                    asset = release.assets[asset_id]
                    asset.state, asset.content, asset.digest = "starter", b"", None

    def _token(self, headers: Mapping[str, str]) -> Token | None:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        return self.world.tokens.get(value.strip()) if scheme.lower() in ("bearer", "token") else None

    def _admit(self, headers: Mapping[str, str], token: Token | None, path: str) -> None:
        """:raises Refusal: before any operation is looked at."""
        if not headers.get("user-agent"):
            self.violations.append(f"{path}: a request without User-Agent")
            raise Refusal(
                403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header."
            )
        version = headers.get("x-github-api-version")
        if version is not None and version not in _VERSIONS:
            self.violations.append(f"{path}: version {version} of the API; the stand-in knows {sorted(_VERSIONS)}")
            raise Refusal(400, f"{version} is not a supported version of the API.")
        if "authorization" in headers and (token is None or token.revoked or self._is_expired(token)):
            raise Refusal(401, "Bad credentials")
        if token is not None and token.single_sign_on_missing and path.startswith("/repos"):
            message = (
                "Resource protected by organization SAML enforcement. You must grant your Personal Access token access."
            )
            raise Refusal(403, message, headers={"x-github-sso": "required; url=https://example.test/sso"})

    def _is_expired(self, token: Token) -> bool:
        return token.expires_at is not None and token.expires_at <= self.world.clock.now()

    def _named(self, path: str) -> str:
        """A path that names a repository by its number, as the redirects of renamed ones do, with its name instead."""
        found = _BY_ID.fullmatch(path)
        repository = self.world.repositories.get(int(found[1])) if found else None
        return f"/repos/{repository.full_name}{found[2] or ''}" if found and repository else path

    def _redirect_renamed(self, method: str, prefix: str, path: str, query: str, token: Token | None) -> None:
        """:raises Refusal: 301 to whoever reads, 307 to whoever writes."""
        found = _BY_NAME.fullmatch(path)
        if found is None or self.world.repository(found[1]) is not None:
            return
        repository = self.world.repositories.get(self.world.former_names.get(found[1].lower(), 0))
        if repository is None or not Rights(self.world, repository, token).sees:
            return
        base = self.render.urls.uploads if prefix == _UPLOADS else self.render.urls.api
        url = f"{base}/repositories/{repository.id}{found[2] or ''}{'?' + query if query else ''}"
        reads = method in ("GET", "HEAD")
        raise _Moved(301 if reads else 307, "Moved Permanently", url)

    def _conditional(self, request: Request, answer: Answer) -> Answer:
        """Give it an ETag, which depends on the token, and say 304 when the caller knows it."""
        if request.method not in ("GET", "HEAD") or answer.status != 200 or request.operation == "rate-limit/get":
            return answer
        who = request.token.value if request.token is not None else ""
        digest = hashlib.sha256(f"{who}\n{answer.media_type}\n".encode() + answer.body()).hexdigest()
        headers = {**answer.headers, "etag": f'W/"{digest}"', "cache-control": "private, max-age=60, s-maxage=60"}
        known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
        if f'"{digest}"' in known:
            self.limits.give_back(request.token)
            return Answer(status=304, headers=headers)
        return replace(answer, headers=headers)

    def _headers(self, answer: Answer, token: Token | None, prefix: str) -> dict[str, str]:
        headers = {"date": formatdate(self.world.clock.now(), usegmt=True), "server": "github.com"}
        if prefix != _STORAGE:
            headers["x-github-request-id"] = secrets.token_hex(16).upper()
            headers["x-github-media-type"] = "github.v3; format=json"
            headers["x-github-api-version-selected"] = "2022-11-28"
            if answer.status != 401:
                headers |= self.limits.headers(token)
            if token is not None and token.kind is TokenKind.CLASSIC and answer.status != 401:
                headers["x-oauth-scopes"] = ", ".join(sorted(token.scopes))
                headers["x-accepted-oauth-scopes"] = "repo"
            if token is not None and token.expires_at is not None and answer.status != 401:
                ends = datetime.fromtimestamp(token.expires_at, UTC)
                headers["github-authentication-token-expiration"] = f"{ends:%Y-%m-%d %H:%M:%S} UTC"
        return headers | dict(answer.headers)

    def _stall(self, fault: Fault, where: str) -> None:
        if fault.stall == where:
            self.stalled()

    def notify(self, repository: Repository, action: str, login: str, release: Release) -> None:
        shown = self.render.repository(repository, Role.ADMIN, pushes=True)
        del shown["permissions"]
        payload = {
            "action": action,
            "release": self.render.release(repository, release, for_pusher=True),
            "repository": shown,
            "sender": self.render.user(login),
        }
        self.events.append(Event(repository.full_name, action, payload))


def _of_upload_host(answer: Answer) -> Answer:
    """That host writes a number into its errors, and no status. Recorded in 2022, quoted by others since."""
    content = {"message": answer.content["message"], "request_id": secrets.token_hex(16).upper()}
    return replace(answer, content=content | {key: answer.content[key] for key in answer.content if key != "status"})


class _Moved(Refusal):
    def __init__(self, status: int, message: str, url: str) -> None:
        super().__init__(status, message, headers={"location": url})
        self.url = url

    def answer(self) -> Answer:
        content = {"message": self.message, "url": self.url, "documentation_url": "https://docs.github.com/rest"}
        return Answer(status=self.status, content=content, headers=self.headers)


@operation("rate-limit/get")
def _rate_limit(exchange: Exchange) -> Answer:
    raise AssertionError("the front answers this itself: the operation is free")
