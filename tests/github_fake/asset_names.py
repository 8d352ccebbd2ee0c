"""What GitHub makes of the name of an uploaded asset."""

from __future__ import annotations

import re
import unicodedata

_REWRITTEN = re.compile(r"[^A-Za-z0-9._+-]+")


def kept_name(name: str) -> str:
    """The name as GitHub keeps it, without a word about it.

    Letters, digits and ``. _ - +`` stay; accented letters lose their accents; runs of anything else become one dot; leading and
    trailing dots go. Reported by many, documented nowhere.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"\.{2,}", ".", _REWRITTEN.sub(".", plain)).strip(".") or "default"
