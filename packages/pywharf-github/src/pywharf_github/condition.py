"""What `pywharf check` shows of a GitHub repository: the token, what is left of its rate limit, and how full it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from pywharf_core import Condition, NotAuthenticated, NotPermitted
from pywharf_github.answers import Answer, next_page_and_last, refusal
from pywharf_github.client import Client
from pywharf_github.seen_repository import SeenRepository

MANY_RELEASES = 9_000
MOST_RELEASES = 10_000  # that GitHub lists

_FEW_LEFT = 0.1  # of the hour's requests
_SOON = timedelta(days=14)
_LIMIT_OF_A_JOB = 1000  # requests an hour; an app's installation has at least 5,000

#: By how they begin: https://docs.github.com/en/authentication/keeping-your-account-and-data-secure
_KINDS = {
    "ghp_": "classic personal access token",
    "github_pat_": "fine-grained personal access token",
    "gho_": "token of an OAuth app",
    "ghu_": "token of a GitHub App's user, which ends after 8 hours",
    "ghs_": "installation token of a GitHub App, which ends after an hour",
}
_OF_A_JOB = "GITHUB_TOKEN of an Actions job, which ends with the job"
_OLD_TOKEN = re.compile(r"[0-9a-f]{40}\Z")  # before April 2021
_SSO_ADDRESS = re.compile(r"url=(\S+)")


def condition_of(client: Client) -> Condition:
    """Two requests.

    :raises NotAuthenticated, NotPermitted: with what the operator can do about it.
    :raises StorageUnavailable: GitHub does not answer, or the rate limit is reached.
    """
    seen = _repository(client)
    listed = client.ask("GET", "/releases", parameters={"per_page": "1"}, listing=True)
    releases = _count(listed)
    facts: dict[str, str | int | float] = {
        "repository": f"{seen.data['full_name']}, {'private' if seen.data.get('private') else 'public'}",
        **_token(client, seen),
        **_rate_limit(listed),
        "releases": releases,
    }
    return Condition(facts, [*_of_repository(client, seen), *_of_token(seen), *_of_limits(listed, releases)])


def _repository(client: Client) -> Answer:
    name = client.repository_name
    answer = client.ask("GET", also=(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND))
    if answer.is_success:
        client.check_identity(SeenRepository.read(answer))
        return answer
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise NotAuthenticated(
            f"GitHub does not accept this token ({answer.reason}); it is wrong, expired or revoked: make a new one and "
            "configure that."
        )
    if answer.status == HTTPStatus.FORBIDDEN and "x-github-sso" in answer.headers:
        address = _SSO_ADDRESS.search(answer.headers["x-github-sso"])
        where = f" at {address[1]}" if address else ""
        raise NotPermitted(
            f"The organisation of {name} wants this token authorised for its single sign-on first{where}."
        )
    if answer.status == HTTPStatus.NOT_FOUND and client.secret is None:
        raise NotPermitted(f"Without a token GitHub shows no repository {name}: configure an admin secret for it.")
    if answer.status == HTTPStatus.NOT_FOUND:
        doubt = f" And {client.doubt}." if client.doubt else ""
        raise NotPermitted(
            f"GitHub shows this token no repository {name}: there is none of that name, or the token has no right to read "
            f"it; look at owner and repo, and at what the token was granted.{doubt}"
        )
    raise refusal(answer)


def _token(client: Client, seen: Answer) -> Mapping[str, str]:
    if client.secret is None:
        return {"token": "none"}
    facts = {"token": _kind(client.secret.reveal(), seen)}
    if "x-oauth-scopes" in seen.headers:
        facts["scopes"] = seen.headers["x-oauth-scopes"] or "none"
    ends = _expiry(seen)
    if ends is not None:
        facts["token_expires_at"] = _stamp(ends)
    return facts


def _kind(token: str, seen: Answer) -> str:
    if token.startswith("ghs_") and _number(seen, "x-ratelimit-limit") == _LIMIT_OF_A_JOB:
        return _OF_A_JOB
    for prefix, kind in _KINDS.items():
        if token.startswith(prefix):
            return kind
    return _KINDS["ghp_"] if _OLD_TOKEN.match(token) else "of a kind that is not known here"


def _rate_limit(answer: Answer) -> Mapping[str, str | int]:
    limit, left, reset = (_number(answer, f"x-ratelimit-{name}") for name in ("limit", "remaining", "reset"))
    if limit is None or left is None:
        return {"rate_limit": "none"}  # an Enterprise Server may have it off
    facts: dict[str, str | int] = {"rate_limit": limit, "rate_limit_left": left}
    if reset is not None:
        facts["rate_limit_resets_at"] = _stamp(datetime.fromtimestamp(reset, UTC))
    return facts


def _count(listed: Answer) -> int:
    """How many releases there are, drafts too if the token sees them, by the number of the last page of one each."""
    _, last = next_page_and_last(listed)
    if last is None:
        return len(listed.data)
    pages = parse_qs(urlsplit(last).query).get("page", ["0"])[0]
    return int(pages) if pages.isdecimal() else 0


def _of_repository(client: Client, seen: Answer) -> Iterator[str]:
    if seen.data.get("archived"):
        yield "The GitHub repository is archived, so that nobody can publish."
    if str(seen.data["full_name"]).lower() != client.repository_name.lower():
        yield (
            f"The GitHub repository is called {seen.data['full_name']} now; write that into the configuration, as somebody "
            "may make another one of the old name."
        )


def _of_token(seen: Answer) -> Iterator[str]:
    ends, now = _expiry(seen), _now(seen)
    if ends is not None and ends - now < _SOON:
        yield f"The token ends at {_stamp(ends)}; make a new one before and configure that."


def _of_limits(listed: Answer, releases: int) -> Iterator[str]:
    limit, left = _number(listed, "x-ratelimit-limit"), _number(listed, "x-ratelimit-remaining")
    if limit is not None and left is not None and left < limit * _FEW_LEFT:
        yield f"Only {left} of {limit} requests of this hour are left; whoever else uses this account's tokens uses them up."
    if releases >= MANY_RELEASES:
        yield (
            f"The GitHub repository has {releases} releases, one for each file. GitHub lists {MOST_RELEASES} only: an index "
            "that is lost then costs a request for each of the others, of 5000 an hour. Begin a second repository."
        )


def _expiry(seen: Answer) -> datetime | None:
    text = seen.headers.get("github-authentication-token-expiration", "").replace(" UTC", " +0000")
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
    except ValueError:
        return None


def _now(seen: Answer) -> datetime:
    return seen.date or datetime.now(UTC)


def _number(answer: Answer, header: str) -> int | None:
    value = answer.headers.get(header, "")
    return int(value) if value.isdecimal() else None


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
