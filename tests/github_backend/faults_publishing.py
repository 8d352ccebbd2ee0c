"""The fault plan's faults of publishing: of each of the three requests, of rivals, of tokens, of the server itself."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

from github_backend.fault_stage import (
    DRAFT,
    PUBLISH,
    UPLOAD,
    UPLOADING,
    Fault,
    Found,
    Stage,
    healed,
    left_on_github,
    project_of,
    sha256,
)


def while_uploading(inject: Callable[[Stage], object]) -> Fault:
    def run(on: Stage) -> Found:
        wheel = on.wheel()
        inject(on)
        with on.fake.calls.during() as calls:
            saw = on.upload(wheel)
            on.calm()
        left = left_on_github(on.repository, wheel)
        requests = sum(calls.count(operation) for operation in UPLOADING)
        return Found(saw, left, healed(on, wheel, saw, on.wharf, requests=requests))

    return run


def at(operation: str, **fault: Any) -> Fault:
    return while_uploading(lambda on: on.fake.faults.next(operation, **fault))


def secondary_limit(operation: str, retry_after: int | None) -> Fault:
    return while_uploading(lambda on: on.fake.faults.secondary_limit(operation, retry_after=retry_after))


def primary_limit(on: Stage) -> Found:
    found = while_uploading(lambda on: on.fake.limits.exhaust(on.writer, for_seconds=600))(on)
    return Found(re.sub(r"in 1\d minutes", "in 10 minutes", found.saw), found.left, found.healed)


def overtaken(*, same: bool) -> Fault:
    """Another server publishes a file of this name while ours is at it."""

    def run(on: Stage) -> Found:
        wheel = on.wheel()
        theirs = wheel if same else on.other(wheel)
        on.fake.faults.next(UPLOAD, before=_beside(lambda: on.upload(theirs, on.streaming)))
        saw = on.upload(wheel)
        on.calm()
        left = left_on_github(on.repository, wheel)
        release = on.repository.release(wheel.name)
        assert release is not None
        [asset] = release.assets.values()
        assert asset.content == theirs.read_bytes()
        assert not on.repository.drafts()
        assert on.wharf.listed(project_of(wheel), on.writer) == {wheel.name: sha256(theirs)}
        return Found(saw, f"{left} of the other server", "nothing to heal")

    return run


def half_a_file_in_the_way(on: Stage) -> Found:
    """As of an upload of which GitHub told nothing."""

    def leave() -> None:
        [draft] = on.repository.drafts()
        half = on.fake.world.add_asset(draft, draft.tag_name, b"x", uploader="writer", content_type="application/zip")
        half.state = "starter"

    return while_uploading(lambda on: on.fake.faults.next(UPLOAD, before=leave))(on)


def renamed(on: Stage) -> Found:
    on.fake.rename_repo("acme/packages", "wheels")
    try:
        return while_uploading(_leave)(on)
    finally:
        on.repository.name = "packages"
        on.fake.world.former_names.clear()


def _leave(on: Stage) -> None:
    """No fault beside the one that is there."""


def killed(step: str, hook: str, **fault: Any) -> Fault:
    """``kill -9`` of the server while GitHub has the request; then it is started again on the same ROOT.

    :param hook: before or after the request has its effect.
    """

    def run(on: Stage) -> Found:
        wheel = on.wheel()
        with on.server() as first:
            deadly: dict[str, Any] = {hook: first.server.kill}
            on.fake.faults.next(step, **deadly, **fault)
            saw = on.upload(wheel, first)
            first.server.kill()  # the connection breaks a moment before all of its processes are gone
        on.calm()
        left = left_on_github(on.repository, wheel)
        with on.server(again_on=first.server.root) as again:
            return Found(saw, left, healed(on, wheel, saw, again))

    return run


def another_clock(hours: float) -> Fault:
    """GitHub's clock is not the servers', and another one sweeps while an upload runs."""

    def run(on: Stage) -> Found:
        on.set_clock(hours)
        try:
            return while_uploading(lambda on: on.fake.faults.next(UPLOAD, then=_beside(on.update_index)))(on)
        finally:
            on.set_clock(0)

    return run


def _beside(act: Callable[[], object]) -> Callable[[], None]:
    """In another thread, as another process does it: the one that asks for it is busy."""

    def run() -> None:
        thread = threading.Thread(target=act)
        thread.start()
        thread.join()

    return run


FAULTS: Mapping[str, Fault] = {
    "draft: the request does not arrive": at(DRAFT, cut_request_at=0),
    "draft: made, the answer is lost": at(DRAFT, lose_answer=True),
    "draft: 502, once": at(DRAFT, status=502),
    "draft: 502, each time": at(DRAFT, status=502, times=0),
    "draft: no answer in time, not made": at(DRAFT, stall="before", status=502),
    "draft: no answer in time, but made": at(DRAFT, stall="after"),
    "draft: no answer in time, made much later": at(DRAFT, stall="before"),
    "draft: no answer in time, each time": at(DRAFT, stall="before", status=502, times=0),
    "draft: secondary rate limit, `Retry-After: 30`": secondary_limit(DRAFT, 30),
    "draft: secondary rate limit, without `Retry-After`": secondary_limit(DRAFT, None),
    "draft: a page of HTML instead of JSON, each time": at(DRAFT, status=200, html=True, times=0),
    "file: the connection is cut half-way": at(UPLOAD, cut_request_at=1000),
    "file: cut half-way, each time": at(UPLOAD, cut_request_at=1000, times=0),
    "file: 502, nothing arrived": at(UPLOAD, status=502),
    "file: 502, half of it is there": at(UPLOAD, status=502, leaves="starter"),
    "file: 502, all of it is there": at(UPLOAD, status=502, leaves="asset"),
    "file: 502, half of it is there each time": at(UPLOAD, status=502, leaves="starter", times=0),
    "file: arrived, the answer is lost": at(UPLOAD, lose_answer=True),
    "file: no answer in time, not arrived": at(UPLOAD, stall="before", status=502),
    "file: no answer in time, but arrived": at(UPLOAD, stall="after"),
    "file: no answer in time, arrives much later": at(UPLOAD, stall="before"),
    "file: 422, half a file has its name": half_a_file_in_the_way,
    "file: the upload host is down": at(UPLOAD, cut_request_at=0, times=0),
    "file: secondary rate limit": secondary_limit(UPLOAD, 30),
    "publication: the request does not arrive": at(PUBLISH, cut_request_at=0),
    "publication: 502, not done": at(PUBLISH, status=502),
    "publication: 502, but done": at(PUBLISH, status=502, after=True),
    "publication: done, the answer is lost": at(PUBLISH, lose_answer=True),
    "publication: no answer in time, not done": at(PUBLISH, stall="before", status=502),
    "publication: no answer in time, but done": at(PUBLISH, stall="after"),
    "publication: no answer in time, done much later": at(PUBLISH, stall="before"),
    "publication: 502, each time": at(PUBLISH, status=502, times=0),
    "publication: secondary rate limit": secondary_limit(PUBLISH, 30),
    "publication: 422, another server published the same file": overtaken(same=True),
    "publication: 422, another server published other content": overtaken(same=False),
    "the hour's requests are used up": primary_limit,
    "the token is revoked when the file is there": while_uploading(
        lambda on: on.fake.faults.next(UPLOAD, then=on.writer.revoke)
    ),
    "the repository was renamed": renamed,
    "the server is killed before there is a draft": killed(DRAFT, "before", status=502),
    "the server is killed when there is a draft": killed(DRAFT, "then"),
    "the server is killed when half the file is there": killed(UPLOAD, "then", status=502, leaves="starter"),
    "the server is killed when the file is there": killed(UPLOAD, "then"),
    "the server is killed before the publication": killed(PUBLISH, "before", status=502),
    "the server is killed after the publication": killed(PUBLISH, "then"),
    "GitHub's clock is 2 hours ahead, and another server sweeps": another_clock(2),
    "GitHub's clock is 2 hours behind, and another server sweeps": another_clock(-2),
}
