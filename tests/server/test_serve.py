"""The parent and its workers as processes: what becomes of them, and of requests in flight, when one is killed."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from server.running_toy import (
    PATIENCE,
    RunningToy,
    is_alive,
    read_response,
    running_toy,
    start_toy,
    wait_until,
)

pytestmark = pytest.mark.slow

UPLOAD = b"x" * 300_000


def begin_upload(toy: RunningToy, sent: bytes) -> socket.socket:
    """A connection on which an upload has begun that a worker is working on, as its 100 tells."""
    connection = toy.connect()
    head = f"POST /read HTTP/1.1\r\nHost: toy\r\nContent-Length: {len(UPLOAD)}\r\nExpect: 100-continue\r\n\r\n"
    connection.sendall(head.encode())
    assert connection.recv(12) == b"HTTP/1.1 100"
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += connection.recv(1)
    connection.sendall(sent)
    return connection


def listens(toy: RunningToy) -> bool:
    try:
        toy.connect().close()
    except ConnectionRefusedError:
        return False
    return True


def test_every_worker_serves_behind_one_port(tmp_path: Path) -> None:
    with running_toy(tmp_path, workers=3) as toy:
        workers = toy.workers()
        assert len(workers) == 3
        assert int(toy.get("/")) in workers


def test_workers_get_the_settings_but_not_by_arguments_or_environment(tmp_path: Path) -> None:
    settings = {"extra_index_url": "https://user:s3cret@index.example/simple"}
    with running_toy(tmp_path, settings=settings) as toy:
        assert json.loads(toy.get("/settings"))["extra_index_url"] == settings["extra_index_url"]
        (worker,) = toy.workers()
        for name in ("cmdline", "environ"):
            assert b"s3cret" not in Path(f"/proc/{worker}/{name}").read_bytes()


def test_a_killed_worker_is_replaced(tmp_path: Path) -> None:
    with running_toy(tmp_path, workers=2) as toy:
        before = toy.workers()
        killed = min(before)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(toy.workers() - {killed}) == 2, "two workers again")
        assert int(toy.get("/")) in toy.workers()
        assert before - {killed} < toy.workers()
        assert toy.stop() == 0


def test_a_killed_parent_leaves_no_worker_and_frees_the_port(tmp_path: Path) -> None:
    with running_toy(tmp_path, workers=2) as toy:
        workers = toy.workers()
        toy.process.kill()
        toy.process.wait()
        wait_until(lambda: not any(map(is_alive, workers)), "all workers ended")
        assert not listens(toy)


def test_a_stop_ends_with_status_0_and_no_process(tmp_path: Path) -> None:
    with running_toy(tmp_path, workers=2) as toy:
        workers = toy.workers()
        assert toy.stop() == 0
        assert not any(map(is_alive, workers))
        assert not listens(toy)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_upload_in_flight_is_finished_at_a_stop(tmp_path: Path, stop: signal.Signals) -> None:
    with running_toy(tmp_path, workers=2) as toy, begin_upload(toy, UPLOAD[:100_000]) as connection:
        if stop == signal.SIGINT:
            os.killpg(toy.process.pid, stop)  # Ctrl-C reaches the workers too
        else:
            toy.process.send_signal(stop)
        wait_until(lambda: not listens(toy), "no new connection is taken")
        connection.sendall(UPLOAD[100_000:])
        status, _, body = read_response(connection)
        assert (status, json.loads(body)) == (200, [len(UPLOAD), hashlib.sha256(UPLOAD).hexdigest()])
        assert toy.process.wait(PATIENCE) == 0


def test_an_upload_in_flight_survives_the_death_of_the_parent(tmp_path: Path) -> None:
    with running_toy(tmp_path) as toy, begin_upload(toy, UPLOAD[:100_000]) as connection:
        toy.process.kill()
        connection.sendall(UPLOAD[100_000:])
        assert read_response(connection)[0] == 200


def test_a_stalled_client_is_cut_off_after_the_grace_time(tmp_path: Path) -> None:
    with running_toy(tmp_path, settings={"grace": 1}) as toy, begin_upload(toy, UPLOAD[:100_000]):
        began = time.monotonic()
        assert toy.stop() == 0
        assert 0.9 < time.monotonic() - began < 6


def test_an_idle_connection_does_not_delay_a_stop(tmp_path: Path) -> None:
    with running_toy(tmp_path) as toy, toy.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: toy\r\n\r\n")
        assert read_response(connection)[0] == 200
        began = time.monotonic()
        assert toy.stop() == 0
        assert time.monotonic() - began < 5


def test_a_second_interrupt_ends_at_once(tmp_path: Path) -> None:
    with running_toy(tmp_path) as toy, begin_upload(toy, UPLOAD[:100_000]):
        workers = toy.workers()
        toy.process.send_signal(signal.SIGINT)
        wait_until(lambda: not listens(toy), "no new connection is taken")
        toy.process.send_signal(signal.SIGINT)
        assert toy.process.wait(PATIENCE) == 1
        assert not any(map(is_alive, workers))


def said_by_a_failing_start(process: subprocess.Popen[str]) -> str:
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    return said


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = said_by_a_failing_start(start_toy(tmp_path, port=port))
    assert said.splitlines() == [
        f"port {port} of 127.0.0.1 is in use: stop what listens there, or choose another --port (0 takes a free one)"
    ]


def test_what_is_wrong_with_the_configuration_is_said_once(tmp_path: Path) -> None:
    said = said_by_a_failing_start(start_toy(tmp_path, workers=3, application="create_misconfigured"))
    assert said.splitlines() == ["config.toml: [local] type is missing", "config.toml: [other] type is missing"]


def test_an_unforeseen_failure_at_the_start_is_named_and_its_traceback_is_in_the_log(tmp_path: Path) -> None:
    said = said_by_a_failing_start(start_toy(tmp_path, application="create_broken"))
    assert said.splitlines() == [
        "a worker could not start: RuntimeError: something unforeseen; the traceback is in the error log"
    ]
    assert "create_broken" in (tmp_path / "log" / "error.jsonl").read_text()


def test_a_worker_that_dies_without_a_word_stops_the_start(tmp_path: Path) -> None:
    said = said_by_a_failing_start(start_toy(tmp_path, application="create_that_dies"))
    assert said.splitlines() == ["a worker ended at its start (exit status 3)"]


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_it_listens_on_ipv6(tmp_path: Path) -> None:
    with running_toy(tmp_path, host="::1") as toy:
        assert toy.url == f"http://[::1]:{toy.port}"
        assert int(toy.get("/")) in toy.workers()


def test_a_worker_that_served_its_share_of_requests_is_replaced(tmp_path: Path) -> None:
    with running_toy(tmp_path, hypercorn={"max_requests": 2}) as toy:
        (first,) = toy.workers()
        for _ in range(3):
            toy.get("/")
        wait_until(lambda: bool(toy.workers()) and first not in toy.workers(), "another worker")
        assert int(toy.get("/")) in toy.workers()
        assert toy.stop() == 0
