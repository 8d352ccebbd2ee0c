"""What every client that installs is put through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product

from clients.matrix.bench import READ, WRONG, Bench, Finding
from clients.matrix.client import Address, Installer, Way, way_key
from clients.matrix.desk import Desk

Scenario = Callable[[Bench, Installer, Desk], Finding]

#: Why nothing is installed, by the key of the scenario.
REFUSALS: Mapping[str, str] = {
    "wrong secret": "The password is no secret of the repository.",
    "no such project": "A private name that was never published; it is not looked for in the extra index.",
    "false hash": "The lock or the requirement wants another sha256 than the file has.",
}

PASSED_OVER = "passes over what it should"
PINNED, HASHED = "a yanked release by its version", "a file by its hash"


def scenarios() -> Mapping[str, Scenario]:
    """By key, in the order in which the page has them."""
    return {
        **{way_key(address, way): _resolved(address, way) for way, address in product(Way, Address)},
        PASSED_OVER: _installed(["acme-python", "acme-yanked"], {"acme_python": "1.0", "acme_yanked": "1.0"}),
        PINNED: _installed(["acme-yanked==1.1"], {"acme_yanked": "1.1"}),
        HASHED: _locked(right=True),
        "wrong secret": _wrong_secret,
        "no such project": _nowhere,
        "false hash": _locked(right=False),
    }


def _resolved(address: Address, way: Way) -> Scenario:
    """A private project that needs another private one, and one from the index behind ours."""
    wanted = {"acme_app": "2.0", "acme_library": "1.0", "publicthing": "3.0"}
    return _installed(["acme-app"], wanted, address, way)


def _installed(
    requirements: Sequence[str], wanted: Mapping[str, str], address: Address = Address.SHARED, way: Way = Way.URL
) -> Scenario:
    def run(bench: Bench, client: Installer, desk: Desk) -> Finding:
        ran = client.install(desk, bench.access(READ).by(address, way), requirements)
        found = {module: desk.version_of(module) for module in wanted}
        return bench.finding(ran.status == 0 and found == wanted, ran, f"installed: {found}")

    return run


def _locked(*, right: bool) -> Scenario:
    def run(bench: Bench, client: Installer, desk: Desk) -> Finding:
        access = bench.access(READ).by(Address.SHARED, Way.URL)
        sha256 = bench.library_sha256 if right else "0" * 64
        ran = client.install_locked(desk, access, "acme-library==1.0", sha256)
        there = desk.version_of("acme_library") is not None
        return bench.finding((ran.status == 0) is right and there is right, ran, f"installed: {there}")

    return run


def _wrong_secret(bench: Bench, client: Installer, desk: Desk) -> Finding:
    ran = client.install(desk, bench.access(WRONG).by(Address.SHARED, Way.URL), ["acme-library"])
    return bench.finding(ran.status != 0 and desk.version_of("acme_library") is None, ran)


def _nowhere(bench: Bench, client: Installer, desk: Desk) -> Finding:
    ran = client.install(desk, bench.access(READ).by(Address.SHARED, Way.URL), ["acme-nowhere"])
    return bench.finding(ran.status != 0, ran)
