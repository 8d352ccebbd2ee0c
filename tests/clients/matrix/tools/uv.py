"""uv: both ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from clients.matrix.client import Access, Installer, Publisher, Way
from clients.matrix.desk import Desk
from clients.matrix.publishing import SKIPPING_OTHER
from clients.matrix.release import Release
from support.clients import Ran


class Uv(Installer, Publisher):
    key = "uv"
    skipping = "`--check-url`"
    cannot_publish: ClassVar[Mapping[str, str]] = {
        SKIPPING_OTHER: "`--check-url` compares hashes, and other content stays an error",
    }

    def publish(self, desk: Desk, access: Access, release: Release, *, skip: bool = False) -> Ran:
        access.leave_credentials(desk, access.bare_url)
        flags = ["--publish-url", access.url, "--trusted-publishing", "never"]
        match access.way:
            case Way.OPTIONS:
                flags += ["--username", access.username, "--password", access.secret]
            case Way.KEYRING:
                flags += ["--keyring-provider", "subprocess"]
            case _:
                pass
        if skip:
            flags += ["--check-url", access.by(access.address, Way.URL).url]
        return desk.run("uv", "publish", *flags, *release.files)

    def install(self, desk: Desk, access: Access, requirements: Sequence[str]) -> Ran:
        return self._run(desk, access, *requirements)

    def install_locked(self, desk: Desk, access: Access, requirement: str, sha256: str) -> Ran:
        (desk.work / "requirements.txt").write_text(f"{requirement} --hash=sha256:{sha256}\n")
        return self._run(desk, access, "--require-hashes", "-r", "requirements.txt")

    def _run(self, desk: Desk, access: Access, *arguments: str) -> Ran:
        access.leave_credentials(desk, access.netloc)
        flags = ["--python", str(desk.python), "--default-index", f"wharf={access.url}"]
        env = {}
        if access.way is Way.OPTIONS:
            env = {"UV_INDEX_WHARF_USERNAME": access.username, "UV_INDEX_WHARF_PASSWORD": access.secret}
        if access.way is Way.KEYRING:
            flags += ["--keyring-provider", "subprocess"]
        return desk.run("uv", "pip", "install", *flags, *arguments, env=env)
