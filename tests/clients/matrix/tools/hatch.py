"""Hatch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from clients.matrix.client import Access, Publisher, Way, never_by
from clients.matrix.desk import Desk
from clients.matrix.release import Release
from support.clients import Ran


class Hatch(Publisher):
    key = "hatch"
    skipping = "always"
    cannot_publish: ClassVar[Mapping[str, str]] = {
        **never_by(Way.URL, "it wants a username of its own, by `--user` or from `.pypirc`"),
        **never_by(Way.NETRC, "it reads no netrc file"),
        "conflict": "it asks which files are there before it sends any, and passes over them with exit status 0",
    }

    def publish(self, desk: Desk, access: Access, release: Release, *, skip: bool = False) -> Ran:
        access.leave_credentials(desk, access.bare_url)
        url = access.url if access.way is Way.URL else access.bare_url
        flags = ["--repo", url, "--no-prompt"]
        if access.way in (Way.OPTIONS, Way.KEYRING):
            flags += ["--user", access.username]
        if access.way is Way.OPTIONS:
            flags += ["--auth", access.secret]
        return desk.run("hatch", "--no-color", "publish", *flags, *release.files)  # it always skips
