"""pip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clients.matrix.client import Access, Installer, Way, never_by
from clients.matrix.desk import Desk
from support.clients import Ran


class Pip(Installer):
    key = "pip"
    cannot_install = never_by(Way.OPTIONS, "it has no options for credentials")

    def install(self, desk: Desk, access: Access, requirements: Sequence[str]) -> Ran:
        return self._run(desk, access, *requirements)

    def install_locked(self, desk: Desk, access: Access, requirement: str, sha256: str) -> Ran:
        (desk.work / "requirements.txt").write_text(f"{requirement} --hash=sha256:{sha256}\n")
        return self._run(desk, access, "--require-hashes", "-r", "requirements.txt")

    def _run(self, desk: Desk, access: Access, *arguments: str) -> Ran:
        access.leave_credentials(desk, access.netloc)
        env = self._keyring() if access.way is Way.KEYRING else {}
        index = ["--index-url", access.url]
        return desk.run("python", *self._pip(desk), "install", "--no-color", *index, *arguments, env=env)

    def _pip(self, desk: Desk) -> Sequence[str]:
        return ["-m", "pip", "--python", str(desk.python)]

    def _keyring(self) -> Mapping[str, str]:
        # Without it pip asks a keyring only where it could ask a person, too; to import one it must be beside the
        # interpreter that pip installs for.
        return {"PIP_KEYRING_PROVIDER": "subprocess"}


class OldPip(Pip):
    key = "old_pip"
    newest_python = (3, 11)

    def _pip(self, desk: Desk) -> Sequence[str]:
        return ["-m", "pip"]  # it has no --python

    def _run(self, desk: Desk, access: Access, *arguments: str) -> Ran:
        return super()._run(desk, access, *arguments, "--prefix", str(desk.python.parents[1]))

    def _keyring(self) -> Mapping[str, str]:
        return {"PIP_NO_INPUT": "0"}  # it asks a keyring only where it could ask a person, too
