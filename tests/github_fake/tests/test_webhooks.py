"""Events of releases reach whoever listens, signed."""

from __future__ import annotations

import hashlib
import hmac
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from github_fake import FakeGitHub, Repository
from github_fake.tests.asking import Client


def test_an_event_is_delivered_with_its_signature(fake: FakeGitHub, writer: Client, repository: Repository) -> None:
    writer.published("x")
    received: list[tuple[str, str, bytes]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.headers["X-GitHub-Event"], self.headers["X-Hub-Signature-256"], body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert fake.events[-1].send(f"http://127.0.0.1:{server.server_port}/", "secret") == 204
        thread.join()
    ((event, signature, body),) = received
    assert (event, signature) == ("release", "sha256=" + hmac.new(b"secret", body, hashlib.sha256).hexdigest())


def test_the_event_of_a_release_that_others_made_can_be_had(fake: FakeGitHub, repository: Repository) -> None:
    fake.add_release(repository, "x", b"content")
    event = fake.release_event(repository, "x")
    assert (event.action, event.payload["release"]["tag_name"]) == ("published", "x")
    assert fake.events == []


def test_many_clients_at_once_lose_nothing(fake: FakeGitHub, writer: Client, repository: Repository) -> None:
    threads = [threading.Thread(target=writer.published, args=(f"tag-{number}",)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(release.tag_name for release in repository.listed()) == sorted(
        f"tag-{number}" for number in range(12)
    )
    assert len(fake.calls) == 36
