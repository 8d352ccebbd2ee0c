"""The `release` event, as GitHub would send it to whoever listens."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen


@dataclass(frozen=True)
class Event:
    """:ivar repository: `owner/name`.
    :ivar action: `published`, `edited`, `unpublished`, `deleted`.
    """

    repository: str
    action: str
    payload: dict[str, Any]

    def body(self) -> bytes:
        return json.dumps(self.payload, separators=(",", ":")).encode()

    def headers(self, secret: str) -> dict[str, str]:
        signature = hmac.new(secret.encode(), self.body(), hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/0000000",
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-GitHub-Event": "release",
            "X-Hub-Signature-256": f"sha256={signature}",
        }

    def send(self, url: str, secret: str, *, timeout: float = 10) -> int:
        """Deliver it; the status of the answer.

        :raises urllib.error.HTTPError: when the listener refuses it.
        """
        with urlopen(Request(url, self.body(), self.headers(secret)), timeout=timeout) as answer:
            return int(answer.status)
