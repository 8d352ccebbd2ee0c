"""The host that holds the assets' bytes: links to it are signed, live for a while, and carry all the right that there is."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from github_fake.clock import timestamp
from github_fake.exchange import Answer
from github_fake.world import Asset, World

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass
class Storage:
    """:ivar tokens_received: each `Authorization` that ever came here, and none should."""

    world: World
    base: str
    tokens_received: list[str] = field(default_factory=list)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def link(self, asset: Asset) -> str:
        """A link to GET the asset; another method needs another signature.

        It ends when the claim `exp` of its `jwt` says; `se` tells of an hour, as GitHub's own links do.
        """
        now = int(self.world.clock.now())
        query = {
            "sp": "r",
            "sv": "2018-11-09",
            "sr": "b",
            "spr": "https",
            "se": timestamp(now + 3600),
            "rscd": f"attachment; filename={asset.name}",
            "rsct": asset.content_type,
            "jwt": self._claims(now + self.world.limits.signed_url, now),
        }
        path = f"/github-production-release-asset/{asset.id}"
        return f"{self.base}{path}?{urlencode(query)}&sig={self._signature('GET', path, query)}"

    def answer(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        if "authorization" in headers:
            self.tokens_received.append(headers["authorization"])
            return _refused(400, "InvalidAuthenticationInfo", "Only one way to authenticate may be used.")
        signed = {name: value for name, value in query.items() if name != "sig"}
        if not hmac.compare_digest(self._signature(method, path, signed), query.get("sig", "")):
            return _refused(403, "AuthenticationFailed", "Signature did not match.")
        if _expiry(query["jwt"]) < self.world.clock.now():
            return _refused(403, "AuthenticationFailed", "Signature not valid in the specified time frame.")
        number = int(path.rsplit("/", 1)[1])
        asset = self._asset(number)
        if asset is None:
            return _refused(404, "BlobNotFound", "The specified blob does not exist.")
        asset.download_count += 1
        about = {
            "etag": f'"0x{hashlib.sha256(asset.content).hexdigest()[:16].upper()}"',
            "accept-ranges": "bytes",
            "content-disposition": query["rscd"],
        }
        media_type = query["rsct"]
        found = _RANGE.fullmatch(headers.get("range", ""))
        if found is None or not any(found.groups()):
            return Answer(status=200, content=asset.content, headers=about, media_type=media_type)
        total = len(asset.content)
        first = int(found[1]) if found[1] else max(0, total - int(found[2]))
        last = min(int(found[2]), total - 1) if found[1] and found[2] else total - 1
        if first > last:
            return Answer(status=416, headers={"content-range": f"bytes */{total}"}, media_type=media_type)
        about["content-range"] = f"bytes {first}-{last}/{total}"
        return Answer(status=206, content=asset.content[first : last + 1], headers=about, media_type=media_type)

    def _asset(self, number: int) -> Asset | None:
        for repository in self.world.repositories.values():
            for release in repository.releases.values():
                if number in release.assets:
                    return release.assets[number]
        return None

    def _claims(self, expires: int, begins: int) -> str:
        parts = ({"typ": "JWT", "alg": "HS256"}, {"iss": "github.com", "exp": expires, "nbf": begins})
        text = ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        signature = hmac.digest(self._key, text.encode(), "sha256")
        return f"{text}.{urlsafe_b64encode(signature).decode().rstrip('=')}"

    def _signature(self, method: str, path: str, query: Mapping[str, str]) -> str:
        text = "\n".join([method, path, *(f"{name}={query[name]}" for name in sorted(query))])
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def _expiry(claims: str) -> int:
    payload = claims.split(".")[1]
    return int(json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])


def _refused(status: int, code: str, message: str) -> Answer:
    text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answer(status=status, content=text.encode(), media_type="application/xml")
