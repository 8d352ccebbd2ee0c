"""Hypercorn's settings, checked before Hypercorn takes them in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypercorn.config import Config

from pywharf.hypercorn_settings import HypercornSettingError, known_names, make_config, read_settings


def test_values_are_toml_or_else_text() -> None:
    pairs = ["keep_alive_timeout=10", "max-requests = 5", 'alpn_protocols=["h2"]', "include_date_header=false"]
    settings = read_settings([*pairs, "certfile=/etc/tls/cert.pem", "keyfile='/etc/tls/key.pem'"])
    assert settings == {
        "keep_alive_timeout": 10,
        "max_requests": 5,
        "alpn_protocols": ["h2"],
        "include_date_header": False,
        "certfile": "/etc/tls/cert.pem",
        "keyfile": "/etc/tls/key.pem",
    }


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "hypercorn.toml"
    path.write_text("keep_alive_timeout = 1.5\nmax_requests = 7\n")
    assert read_settings(["max_requests=8"], path) == {"keep_alive_timeout": 1.5, "max_requests": 8}


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("keep_alive_timout=1", "did you mean keep_alive_timeout?"),
        ("xyzzy=1", "Hypercorn has no such setting"),
        ("keep_alive_timeout", "expected KEY=VALUE"),
        ("keep_alive_timeout=soon", "expected a whole number or a number"),
        ("max_requests=true", "expected a whole number"),
        ("include_date_header=1", "expected true or false"),
        ("worker_class=trio", "expected one of asyncio, uvloop"),
        ("bind=0.0.0.0:1", "use --host and --port"),
        ("workers=2", "use --workers"),
        ("graceful-timeout=2", "use --grace"),
        ("use_reloader=true", "has no effect"),
        ("certfile=/cert.pem", "TLS needs both"),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_be_right(pair: str, said: str) -> None:
    with pytest.raises(HypercornSettingError) as error:
        read_settings([pair])
    assert said in str(error.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "hypercorn.toml"
    with pytest.raises(HypercornSettingError, match=r"hypercorn\.toml: not a TOML file"):
        read_settings([], path)


def test_every_known_name_is_a_setting_that_can_be_set() -> None:
    config = Config()
    for name in known_names():
        setattr(config, name, getattr(config, name))


def test_the_user_wins_over_our_choices_but_for_the_socket() -> None:
    config = make_config({"keep_alive_timeout": 3}, listener=7, grace=12)
    assert (config.bind, config.graceful_timeout, config.keep_alive_timeout) == (["fd://7"], 12, 3)
