"""What a worker needs to know; it reaches it through a pipe, because ``extra_index_url`` may hold credentials."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields

DEFAULT_GRACE = 30.0  # seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerSettings:
    """The settings of the application, the same in every worker. Host, port and number of workers are the parent's."""

    root: str  # the folder ROOT
    auth_read_expires: float = 3600  # seconds for which a verified right to read is trusted
    auth_write_expires: float = 300  # seconds
    extra_index_url: str = field(default="", repr=False)  # "": off
    private: tuple[str, ...] = ()  # globs of project names, for all repositories
    allow_open_initialize: bool = False
    trusted_proxies: tuple[str, ...] = ()  # addresses or networks whose X-Forwarded-* is believed
    metrics_from: tuple[str, ...] = ()  # addresses or networks that may read /metrics without a secret
    path_prefix: str = ""  # under which a reverse proxy shows the server: "" or "/some/path"
    grace: float = DEFAULT_GRACE  # seconds to finish what is in flight at a stop
    debug: bool = False

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ServerSettings:
        """What ``to_json`` wrote; absent keys take their defaults.

        :raises ValueError: not an object, without ``root``, or with a key that is no setting.
        """
        values = json.loads(text)
        if not isinstance(values, dict) or "root" not in values:
            raise ValueError('the settings of the server are a JSON object with at least the key "root"')
        if unknown := values.keys() - {setting.name for setting in fields(cls)}:
            raise ValueError(f"the settings of the server have no key {sorted(unknown)[0]!r}")
        for name in ("private", "trusted_proxies", "metrics_from"):
            if name in values:
                values[name] = tuple(values[name])
        return cls(**values)
