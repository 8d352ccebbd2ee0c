"""Hypercorn's settings as ``--hypercorn KEY=VALUE`` and ``--hypercorn_config FILE`` give them.

Hypercorn takes any name in silence, so names and types are checked here first.
"""

from __future__ import annotations

import difflib
import logging
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from hypercorn.config import Config

Value = str | int | float | bool | list[str] | None

OURS = {
    "bind": "--host and --port",
    "workers": "--workers",
    "graceful_timeout": "--grace",
    "root_path": "--path_prefix",
    "debug": "--debug",
}

# Hypercorn's own process manager reads these, and it does not run here; or each worker would bind the same socket.
WITHOUT_EFFECT = frozenset(
    {
        "application_path", "daemon", "group", "insecure_bind", "logconfig", "logconfig_dict", "logger_class",
        "pid_path", "quic_bind", "umask", "use_reloader", "user", "websocket_max_message_size",
        "websocket_ping_interval", "wsgi_max_body_size", "cert_reqs",
    }
)  # fmt: skip

WORKER_CLASSES = ("asyncio", "uvloop")

# Unset, these say nothing about their type.
_TYPES: Mapping[str, tuple[type, ...]] = {
    "accesslog": (str,),
    "errorlog": (str,),
    "ca_certs": (str,),
    "certfile": (str,),
    "keyfile": (str,),
    "keyfile_password": (str,),
    "statsd_host": (str,),
    "max_requests": (int,),
    "read_timeout": (int, float),
    "verify_mode": (int,),
    "verify_flags": (int,),
}


class HypercornSettingError(Exception):
    """A setting that Hypercorn does not have, or that is not its user's to choose here; the text is a sentence."""


def known_names() -> frozenset[str]:
    """Every setting that may be given."""
    names = {name for name in dir(Config) if not name.startswith("_") and not callable(getattr(Config, name))}
    return frozenset(names - {"log", "ssl_enabled"} - OURS.keys() - WITHOUT_EFFECT)


def read_settings(pairs: Sequence[str], config_file: Path | None = None) -> dict[str, Value]:
    """The settings of the file (TOML), then those of the command line, which win.

    A value on the command line is read as TOML (``10``, ``true``, ``["a", "b"]``); what is not TOML is a text.

    :raises HypercornSettingError: for the first that is wrong.
    """
    settings: dict[str, Value] = {}
    if config_file is not None:
        for name, value in _read_file(config_file).items():
            settings[name] = _checked(name, value, f"--hypercorn_config {config_file}: {name}")
    for pair in pairs:
        name, equals, text = pair.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise HypercornSettingError(f"--hypercorn {pair}: expected KEY=VALUE, such as keep_alive_timeout=10")
        settings[name] = _checked(name, _parse(text.strip()), f"--hypercorn {name}")
    if ("certfile" in settings) != ("keyfile" in settings):
        raise HypercornSettingError("TLS needs both certfile and keyfile; only one of them is given")
    return settings


def _read_file(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HypercornSettingError(f"--hypercorn_config {path}: not a TOML file that can be read ({error})") from error


def _parse(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _checked(name: str, value: object, where: str) -> Value:
    if name in OURS:
        raise HypercornSettingError(f"{where}: this is the server's own to set; use {OURS[name]}")
    if name in WITHOUT_EFFECT:
        raise HypercornSettingError(f"{where}: this setting has no effect under pywharf's own parent process")
    names = known_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        raise HypercornSettingError(
            f"{where}: Hypercorn has no such setting" + (f"; did you mean {near[0]}?" if near else "")
        )
    if name == "worker_class" and value not in WORKER_CLASSES:
        raise HypercornSettingError(f"{where} = {value!r}: expected one of {', '.join(WORKER_CLASSES)}")
    default = getattr(Config, name)
    allowed = _TYPES.get(name) or ((int, float) if type(default) is float else (type(default),))
    if isinstance(value, bool) and bool not in allowed or not isinstance(value, allowed):
        expected = " or ".join(
            {"str": "a text", "int": "a whole number", "bool": "true or false", "list": "a list"}.get(
                kind.__name__, "a number"
            )
            for kind in allowed
        )
        raise HypercornSettingError(f"{where} = {value!r}: expected {expected}")
    assert isinstance(value, str | int | float | bool | list)
    return value


def make_config(settings: Mapping[str, Value], *, listener: int, grace: float) -> Config:
    """Hypercorn's configuration in a worker: our choices, then the user's.

    :param listener: the file descriptor of the listening socket.
    :param grace: seconds to finish what is in flight at a stop.
    """
    config = Config()
    config.bind = [f"fd://{listener}"]
    config.graceful_timeout = grace
    config.accesslog = None  # ours is written by the application: it knows repository and request id
    config.errorlog = logging.getLogger("hypercorn")
    config.errorlog.setLevel(logging.WARNING)
    config.include_server_header = False
    config.h11_max_incomplete_size = 64 * 1024  # long cookies and Accept headers; also the longest request line
    config.keep_alive_timeout = 20.0  # seconds; installers pause while they resolve and unpack
    config.keep_alive_max_requests = 100_000
    # asyncio accepts up to `backlog` connections at a time: a small number shares them among the workers, and the
    # parent sets the kernel's queue back to a long one.
    config.backlog = 16
    for name, value in settings.items():
        setattr(config, name, value)
    return config
