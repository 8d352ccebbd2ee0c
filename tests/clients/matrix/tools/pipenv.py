"""Pipenv."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from clients.matrix.client import Access, Installer, Way, never_by
from clients.matrix.desk import Desk
from support.clients import Ran


class Pipenv(Installer):
    key = "pipenv"
    cannot_install = never_by(
        Way.KEYRING, "it locks, but takes the username out of the URL before it has its pip ask the keyring and install"
    )

    def install(self, desk: Desk, access: Access, requirements: Sequence[str]) -> Ran:
        self._write_project(desk, access, requirements)
        return self._run(desk, access, "install")

    def install_locked(self, desk: Desk, access: Access, requirement: str, sha256: str) -> Ran:
        self._write_project(desk, access, [requirement])
        locked = self._run(desk, access, "lock")
        if locked.status != 0:
            return locked
        lock = desk.work / "Pipfile.lock"
        lock.write_text(re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{sha256}", lock.read_text()))
        return self._run(desk, access, "sync")

    def _run(self, desk: Desk, access: Access, command: str) -> Ran:
        access.leave_credentials(desk, access.netloc)
        env = {
            "VIRTUAL_ENV": str(desk.python.parents[1]),  # an active environment is the one that it installs into
            "PIPENV_VERBOSITY": "-1",  # without a notice of that
            "PIPENV_NOSPIN": "1",
            **self._credentials(access),
        }
        return desk.run("pipenv", command, env=env)

    def _write_project(self, desk: Desk, access: Access, requirements: Sequence[str]) -> None:
        url = access.url
        if access.way is Way.OPTIONS:
            url = url.replace("://", "://${WHARF_USERNAME}:${WHARF_SECRET}@")
        packages = (re.fullmatch(r"([\w-]+)(.*)", requirement) for requirement in requirements)
        lines = [f"{found[1]} = {json.dumps(found[2] or '*')}" for found in packages if found]
        (desk.work / "Pipfile").write_text(
            f'[[source]]\nname = "wharf"\nurl = "{url}"\nverify_ssl = true\n\n' + "\n".join(["[packages]", *lines, ""])
        )

    def _credentials(self, access: Access) -> Mapping[str, str]:
        match access.way:
            case Way.OPTIONS:
                return {"WHARF_USERNAME": access.username, "WHARF_SECRET": access.secret}
            case Way.KEYRING:
                return {"PIPENV_KEYRING_PROVIDER": "import"}
            case _:
                return {}
