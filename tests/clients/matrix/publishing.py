"""What every client that publishes is put through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

from clients.matrix.bench import READ, SMALL, WRITE, WRONG, Bench, Finding
from clients.matrix.client import Access, Address, Publisher, Way
from clients.matrix.release import Release

Scenario = Callable[[Bench, Publisher], Finding]

ERRORS: Mapping[str, str] = {
    "wrong secret": "the password is no secret of the repository",
    "no right": "the password is the read secret",
    "conflict": "the name is taken by a file with other content",
    "invalid file": "the wheel has a member that its RECORD does not know",
    "too large": "the file is larger than `max_file_bytes`",
}

AGAIN, SKIPPING = "again", "skipping"


def way_key(address: Address, way: Way) -> str:
    return f"{address} by {way}"


def scenarios() -> Mapping[str, Scenario]:
    """By key, in the order in which the page has them."""
    return {
        **{way_key(address, way): _published(address, way) for way, address in product(Way, Address)},
        AGAIN: _again,
        SKIPPING: _skipping,
        "wrong secret": _refused(lambda bench: bench.access(WRONG)),
        "no right": _refused(lambda bench: bench.access(READ)),
        "conflict": _conflict,
        "invalid file": _refused(lambda bench: bench.access(WRITE), spoiled=True),
        "too large": _refused(lambda bench: bench.access(WRITE, SMALL), large=True),
    }


def _published(address: Address, way: Way) -> Scenario:
    def run(bench: Bench, client: Publisher) -> Finding:
        desk = bench.desk(client)
        release = Release(desk.folder / "project", f"acme-{desk.folder.name}")
        ran = client.publish(desk, bench.access(WRITE).by(address, way), release)
        page = bench.page(release.name)
        return bench.finding(ran.status == 0 and page == release.hashes(), ran, f"listed: {page}")

    return run


def _again(bench: Bench, client: Publisher) -> Finding:
    """The same files again, without any option."""
    desk = bench.desk(client)
    release = Release(desk.folder / "project", f"acme-{desk.folder.name}")
    first = client.publish(desk, bench.access(WRITE), release)
    assert first.status == 0, first.output
    ran = client.publish(desk, bench.access(WRITE), release)
    return bench.finding(ran.status == 0 and bench.page(release.name) == release.hashes(), ran)


def _skipping(bench: Bench, client: Publisher) -> Finding:
    """Other files under the same names, with the client's own option to pass over what is there."""
    return _taken(bench, client, skip=True)


def _conflict(bench: Bench, client: Publisher) -> Finding:
    return _taken(bench, client, skip=False)


def _taken(bench: Bench, client: Publisher, *, skip: bool) -> Finding:
    desk = bench.desk(client)
    first = Release(desk.folder / "first", f"acme-{desk.folder.name}")
    ran = client.publish(desk, bench.access(WRITE), first)
    assert ran.status == 0, ran.output
    second = Release(desk.folder / "project", first.name, summary="Another")
    ran = client.publish(desk, bench.access(WRITE), second, skip=skip)
    kept = bench.page(first.name) == first.hashes()
    return bench.finding((ran.status == 0) is skip and kept, ran, f"the first files are kept: {kept}")


def _refused(way_in: Callable[[Bench], Access], *, spoiled: bool = False, large: bool = False) -> Scenario:
    def run(bench: Bench, client: Publisher) -> Finding:
        desk = bench.desk(client)
        release = Release(desk.folder / "project", f"acme-{desk.folder.name}", spoiled=spoiled, large=large)
        access = way_in(bench)
        ran = client.publish(desk, access, release)
        page = bench.page(release.name, access.repository)
        return bench.finding(ran.status != 0 and release.wheel.name not in page, ran, f"listed: {page}")

    return run
