"""What a token may look like: what cannot be one is not shown to GitHub, which blocks whoever shows it many wrong ones."""

from __future__ import annotations

import re

from pywharf_core import Secret

_MOST = 1024  # characters; GitHub's own have 40 to 255, those of apps with a JWT inside some 520
_FORM = re.compile(r"[A-Za-z0-9._~+/-]+=*\Z")  # what may follow "Bearer" (RFC 6750, section 2.1)


def is_token(secret: Secret) -> bool:
    """Whether it may be a token of whatever kind; Enterprise Servers have other ones than github.com."""
    text = secret.reveal()
    return len(text) <= _MOST and _FORM.match(text) is not None
