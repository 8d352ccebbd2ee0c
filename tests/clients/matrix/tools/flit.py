"""Flit, which builds what it publishes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from clients.matrix.client import Access, Publisher, Way, never_by
from clients.matrix.desk import Desk
from clients.matrix.publishing import SKIPPING_OTHER, SKIPPING_SAME
from clients.matrix.release import Release
from support.clients import Ran


class Flit(Publisher):
    key = "flit"
    skipping = None
    cannot_publish: ClassVar[Mapping[str, str]] = {
        **never_by(Way.URL, "it wants a username of its own, from `FLIT_USERNAME` or `.pypirc`"),
        **never_by(Way.NETRC, "it reads no netrc file"),
        **dict.fromkeys((SKIPPING_SAME, SKIPPING_OTHER), "it has no such option"),
        "invalid file": "it publishes what it has just built itself",
    }

    def publish(self, desk: Desk, access: Access, release: Release, *, skip: bool = False) -> Ran:
        access.leave_credentials(desk, access.bare_url)
        env = {"FLIT_INDEX_URL": access.url if access.way is Way.URL else access.bare_url}
        if access.way in (Way.OPTIONS, Way.KEYRING):
            env["FLIT_USERNAME"] = access.username
        if access.way is Way.OPTIONS:
            env["FLIT_PASSWORD"] = access.secret
        return desk.run("flit", "-f", release.folder / "pyproject.toml", "publish", "--no-use-vcs", env=env)
