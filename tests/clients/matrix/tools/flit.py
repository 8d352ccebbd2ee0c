"""Flit, which builds what it publishes."""

from __future__ import annotations

from clients.matrix.client import Access, Publisher, Way
from clients.matrix.desk import Desk
from clients.matrix.release import Release
from support.clients import Ran


class Flit(Publisher):
    key = "flit"

    def publish(self, desk: Desk, access: Access, release: Release, *, skip: bool = False) -> Ran:
        access.leave_credentials(desk, access.bare_url)
        env = {"FLIT_INDEX_URL": access.url if access.way is Way.URL else access.bare_url}
        if access.way in (Way.OPTIONS, Way.KEYRING):
            env["FLIT_USERNAME"] = access.username
        if access.way is Way.OPTIONS:
            env["FLIT_PASSWORD"] = access.secret
        return desk.run("flit", "-f", release.folder / "pyproject.toml", "publish", "--no-use-vcs", env=env)
