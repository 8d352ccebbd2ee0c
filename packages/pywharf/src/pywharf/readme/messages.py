"""What the server and the process that renders descriptions say to each other: four bytes, the length, and JSON."""

from __future__ import annotations

import json
from typing import IO

LONGEST = 5.0  # seconds for one description


def send(stream: IO[bytes], message: dict[str, str]) -> None:
    """:raises OSError: the other one is gone."""
    content = json.dumps(message).encode()
    stream.write(len(content).to_bytes(4) + content)
    stream.flush()


def receive(stream: IO[bytes]) -> dict[str, str] | None:
    """None: the stream came to its end."""
    head = stream.read(4)
    length = int.from_bytes(head)
    content = stream.read(length)
    if len(head) < 4 or len(content) < length:
        return None
    message: dict[str, str] = json.loads(content)
    return message
