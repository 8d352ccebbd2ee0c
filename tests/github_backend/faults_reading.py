"""The fault plan's faults of reading: of addresses, of bytes, of GitHub as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from github_backend.fault_stage import (
    ASSET,
    BYTES,
    Fault,
    Found,
    Stage,
    left_on_github,
    project_of,
    said,
    sha256,
    until,
)
from github_fake import Asset


def through_the_server(inject: Callable[[Stage, Path], object]) -> Fault:
    """A file that the server brings, while GitHub has the fault."""

    def run(on: Stage) -> Found:
        wheel = on.published(on.streaming)
        inject(on, wheel)
        answer = on.download(wheel, on.streaming)
        on.calm()
        left = left_on_github(on.repository, wheel)
        if answer.status == 200:
            assert hashlib.sha256(answer.body).hexdigest() == sha256(wheel)
            return Found("200", left, "nothing to heal")
        again = on.download(wheel, on.streaming)
        assert hashlib.sha256(again.body).hexdigest() == sha256(wheel)
        return Found(said(wheel, answer), left, f"the next try: {again.status}")

    return run


def at(operation: str, **fault: Any) -> Fault:
    def inject(on: Stage, wheel: Path) -> None:
        on.fake.faults.next(operation, **fault)

    return through_the_server(inject)


def _expire(on: Stage, wheel: Path) -> None:
    """The server has the address from another request, of metadata that lies in no release."""
    on.fake.faults.next(ASSET, then=lambda: on.fake.clock.advance(400))


def _damage(on: Stage, wheel: Path) -> None:
    asset = _asset_of(on, wheel)
    good, asset.content = asset.content, bytes(len(asset.content))

    def mend() -> None:
        asset.content = good

    on.fake.faults.next(BYTES, then=mend)


def _asset_of(on: Stage, wheel: Path) -> Asset:
    release = on.repository.release(wheel.name)
    assert release is not None
    [asset] = release.assets.values()
    return asset


def replaced_by_hand(on: Stage) -> Found:
    wheel = on.published(on.streaming)
    asset = _asset_of(on, wheel)
    asset.content = on.other(wheel).read_bytes()
    asset.digest = f"sha256:{hashlib.sha256(asset.content).hexdigest()}"
    answer = on.download(wheel, on.streaming)
    assert on.page(wheel, on.streaming).status == 404 or not on.is_listed(wheel, on.streaming)
    return Found(said(wheel, answer), "the release with another file", "it is not listed any more")


def removed_by_hand(on: Stage) -> Found:
    wheel = on.published()
    release = on.repository.release(wheel.name)
    assert release is not None
    del on.repository.releases[release.id]
    answer = on.download(wheel)
    assert not on.is_listed(wheel)
    return Found(said(wheel, answer), left_on_github(on.repository, wheel), "it is not listed any more")


def by_redirect(spoil: Callable[[Stage], object]) -> Fault:
    """The client is sent on to GitHub's storage."""

    def run(on: Stage) -> Found:
        wheel = on.published()
        first = on.download(wheel)
        spoil(on)
        saw = _follow(first.headers["location"], wheel)
        on.calm()
        on.update_index()
        with on.server() as later:  # the one that was asked keeps the address for some minutes by its own clock
            second = on.download(wheel, later)
        again = _follow(second.headers["location"], wheel)
        return Found(f"{first.status}, then {saw}", left_on_github(on.repository, wheel), f"the next try: {again}")

    return run


def _follow(location: str, wheel: Path) -> str:
    try:
        with urlopen(location) as answer:
            assert hashlib.sha256(answer.read()).hexdigest() == sha256(wheel)
            return "200"
    except HTTPError as error:
        return f"{error.code} by GitHub's storage"


def github_down(on: Stage) -> Found:
    known, unknown, new = on.published(), on.published(), on.wheel()
    assert on.download(known).status == 302
    on.fake.faults.next("*", cut_request_at=0, times=0)
    saw = (
        f"pages: {on.page(known).status}; files that were asked for in the last 4 minutes: {on.download(known).status}; "
        f"other files: {said(unknown, on.download(unknown))} Uploads: {on.upload(new)}"
    )
    on.calm()
    again = f"files {on.download(unknown).status}, uploads {on.upload(new)}"
    return Found(saw, left_on_github(on.repository, known), f"the next try: {again}")


def for_longer_than_a_minute(begin: Callable[[Stage], object]) -> Fault:
    """So that GitHub's last word on a token is too old."""

    def run(on: Stage) -> Found:
        wheel, known = on.wheel(), (on.writer, on.fake.token("known", rights={"acme/packages": "read"}))
        with on.server(disbelieving=True, impatient=True, downloads="stream") as wharf:
            assert wharf.upload(wheel, on.writer).status == 200
            for token in known:
                assert on.download(wheel, wharf, token).status == 200
            begin(on)
            newcomer = on.fake.token(f"newcomer-{wheel.name}", rights={"acme/packages": "read"})
            words = {
                "pages": [wharf.page(project_of(wheel), token) for token in known],
                "files that were fetched before": [on.download(wheel, wharf, token) for token in known],
                "metadata": [on.download(wheel, wharf, token, more=".metadata") for token in known],
                "tokens that were never seen before": [wharf.page(project_of(wheel), newcomer)],
            }
            answers = [f"{what}: {_one(said(wheel, answer) for answer in found)}" for what, found in words.items()]
            upload = on.upload(on.wheel(), wharf)
            left = left_on_github(on.repository, wheel)
            on.calm()
            on.fake.faults.release()
            until(lambda: wharf.page(project_of(wheel), newcomer).status == 200, "the newcomer reads")
            healed = f"by itself, seconds later; uploads {on.upload(on.wheel(), wharf)}"
        return Found(f"{'; '.join(answers)} Uploads: {upload}", left, healed)

    return run


def _one(words: Iterable[str]) -> str:
    [word] = set(words)
    return word


def limit_reached(on: Stage) -> Found:
    known, unknown = on.published(), on.published()
    assert on.download(known).status == 302
    on.fake.limits.exhaust(on.writer, for_seconds=600)
    first = on.download(unknown)
    assert int(first.headers["retry-after"]) <= 5, "pip waits so long, five times"
    saw = (
        f"pages: {on.page(known).status}; files that were asked for in the last 4 minutes: {on.download(known).status}; "
        f"other files: {first.status}"
    )
    on.calm()
    return Found(
        saw, left_on_github(on.repository, known), f"when the hour is over: files {on.download(unknown).status}"
    )


FAULTS: Mapping[str, Fault] = {
    "through the server: asking for the address: 502": at(ASSET, status=502),
    "through the server: the address expired": through_the_server(_expire),
    "through the server: cut half-way": at(BYTES, cut_answer_at=200_000),
    "through the server: cut half-way, each time": at(BYTES, cut_answer_at=100, times=0),
    "through the server: no more bytes in time": at(BYTES, stall="body"),
    "through the server: other bytes than were published": through_the_server(_damage),
    "through the server: the storage host is down": at(BYTES, status=503, times=0),
    "by redirect: the storage host is down": by_redirect(lambda on: on.fake.faults.next(BYTES, status=503, times=0)),
    "by redirect: the client is slower than the address lives": by_redirect(lambda on: on.fake.clock.advance(400)),
    "somebody replaced the file on GitHub": replaced_by_hand,
    "somebody deleted the release on GitHub": removed_by_hand,
    "GitHub is down": github_down,
    "GitHub is down for longer than a minute": for_longer_than_a_minute(
        lambda on: on.fake.faults.next("*", cut_request_at=0, times=0)
    ),
    "GitHub does not answer for longer than a minute": for_longer_than_a_minute(
        lambda on: on.fake.faults.next("*", stall="before", times=0)
    ),
    "GitHub takes no token from the server for longer than a minute": for_longer_than_a_minute(
        lambda on: on.fake.faults.next(
            "*",
            status=403,
            message="Maximum number of login attempts exceeded. Please try again later.",
            times=0,
            headers={"retry-after": "5"},
        )
    ),
    "the hour's requests are used up": limit_reached,
}
