"""What every client that publishes is put through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

from clients.matrix.bench import READ, SMALL, WRITE, WRONG, Bench, Finding
from clients.matrix.client import Access, Address, Publisher, Way, way_key
from clients.matrix.desk import Desk
from clients.matrix.release import Release

Scenario = Callable[[Bench, Publisher, Desk], Finding]


@dataclass(frozen=True)
class Refusal:
    """:ivar why: for the page.
    :ivar status: of HTTP.
    :ivar sentence: a part of what the server says.
    """

    why: str
    status: int
    sentence: str


#: By the key of the scenario.
REFUSALS: Mapping[str, Refusal] = {
    "wrong secret": Refusal("The password is no secret of the repository.", 401, "password is wrong"),
    "no right": Refusal("The password is the read secret.", 403, "may read the repository"),
    "conflict": Refusal("The name is taken by a file with other content.", 409, "File already exists"),
    "invalid file": Refusal("The wheel has a member that its RECORD does not list.", 400, "RECORD does not list"),
    "too large": Refusal("The file is larger than `max_file_bytes`.", 413, "larger than 100000 bytes"),
}

AGAIN = "the same files again"
SKIPPING_SAME, SKIPPING_OTHER = "skips the same files", "skips other files of that name"


def scenarios() -> Mapping[str, Scenario]:
    """By key, in the order in which the page has them."""
    return {
        **{way_key(address, way): _published(address, way) for way, address in product(Way, Address)},
        AGAIN: _again(skip=False),
        SKIPPING_SAME: _again(skip=True),
        SKIPPING_OTHER: _taken(skip=True),
        "wrong secret": _refused(lambda bench: bench.access(WRONG)),
        "no right": _refused(lambda bench: bench.access(READ)),
        "conflict": _taken(skip=False),
        "invalid file": _refused(lambda bench: bench.access(WRITE), spoiled=True),
        "too large": _refused(lambda bench: bench.access(WRITE, SMALL), large=True),
    }


def _published(address: Address, way: Way) -> Scenario:
    def run(bench: Bench, client: Publisher, desk: Desk) -> Finding:
        release = Release(desk.folder / "project", desk.project)
        ran = client.publish(desk, bench.access(WRITE).by(address, way), release)
        page = bench.page(release.name)
        return bench.finding(ran.status == 0 and page == release.hashes(), ran, f"listed: {page}")

    return run


def _again(*, skip: bool) -> Scenario:
    """:param skip: with the client's own option to pass over what is there already."""

    def run(bench: Bench, client: Publisher, desk: Desk) -> Finding:
        if skip and client.skipping is None:
            return Finding(False, "")
        release = Release(desk.folder / "project", desk.project)
        first = client.publish(desk, bench.access(WRITE), release)
        assert first.status == 0, first.output
        ran = client.publish(desk, bench.access(WRITE), release, skip=skip)
        return bench.finding(ran.status == 0 and bench.page(release.name) == release.hashes(), ran)

    return run


def _taken(*, skip: bool) -> Scenario:
    """Other files under names that are taken: never replaced, and an error unless they are to be passed over."""

    def run(bench: Bench, client: Publisher, desk: Desk) -> Finding:
        if skip and client.skipping is None:
            return Finding(False, "")
        first = Release(desk.folder / "first", desk.project)
        ran = client.publish(desk, bench.access(WRITE), first)
        assert ran.status == 0, ran.output
        second = Release(desk.folder / "project", first.name, summary="Another")
        ran = client.publish(desk, bench.access(WRITE), second, skip=skip)
        kept = bench.page(first.name) == first.hashes()
        return bench.finding((ran.status == 0) is skip and kept, ran, f"the first files are kept: {kept}")

    return run


def _refused(way_in: Callable[[Bench], Access], *, spoiled: bool = False, large: bool = False) -> Scenario:
    def run(bench: Bench, client: Publisher, desk: Desk) -> Finding:
        release = Release(desk.folder / "project", desk.project, spoiled=spoiled, large=large)
        access = way_in(bench)
        ran = client.publish(desk, access, release)
        page = bench.page(release.name, access.repository)
        return bench.finding(ran.status != 0 and release.wheel.name not in page, ran, f"listed: {page}")

    return run
