"""Plain requests to the stand-in, with a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from github_fake import FakeGitHub, Token

TIMEOUT = 20.0  # seconds; nothing here takes one


@dataclass(frozen=True)
class Client:
    """Of one repository."""

    fake: FakeGitHub
    token: Token | None
    repository: str = "acme/packages"

    def ask(self, method: str, path: str, *, json: Any = None, **headers: str) -> requests.Response:
        """:param path: below the repository, or from the root of the API when it starts with `//`."""
        url = self.fake.api_url + (path[1:] if path.startswith("//") else f"/repos/{self.repository}{path}")
        return self._send(method, url, json=json, headers=headers)

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.ask("GET", path, **headers)

    def draft(self, tag: str, **fields: Any) -> dict[str, Any]:
        answer = self.ask("POST", "/releases", json={"tag_name": tag, "draft": True, **fields})
        assert answer.status_code == 201, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def upload(self, release: dict[str, Any], name: str, content: bytes, **headers: str) -> requests.Response:
        url = f"{release['upload_url'].partition('{')[0]}?name={quote(name, safe='')}"
        return self._send("POST", url, data=content, headers={"Content-Type": "application/octet-stream", **headers})

    def publish(self, release: dict[str, Any]) -> requests.Response:
        return self.ask("PATCH", f"/releases/{release['id']}", json={"draft": False, "make_latest": "false"})

    def published(self, tag: str, content: bytes = b"content") -> dict[str, Any]:
        """A whole publication; the release afterwards."""
        release = self.draft(tag)
        assert self.upload(release, tag, content).status_code == 201
        answer = self.publish(release)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def link(self, asset_id: int) -> str:
        """The signed link to the bytes of an asset."""
        answer = self.get(f"/releases/assets/{asset_id}", Accept="application/octet-stream")
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def _send(self, method: str, url: str, *, headers: dict[str, str], **kwargs: Any) -> requests.Response:
        if self.token is not None:
            headers = {"Authorization": f"Bearer {self.token.value}", **headers}
        return requests.request(method, url, headers=headers, allow_redirects=False, timeout=TIMEOUT, **kwargs)


def error_of(answer: requests.Response) -> tuple[int, str, str | None]:
    """Status, message, and the first error's code and field."""
    document = answer.json()
    first = (document.get("errors") or [None])[0]
    rule = None if first is None else " ".join(filter(None, (first["code"], first.get("field"), first.get("message"))))
    return answer.status_code, document["message"], rule
