"""Our parent and workers around a small application: ``python -m server.toy_server JSON``, for tests of the processes.

Prints ``listening on URL`` when all workers are up.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import resource
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers

from pywharf.early_answer import answer_early
from pywharf.listening import listen, url_of
from pywharf.reason_phrase import with_reason
from pywharf.serve import serve
from pywharf.settings import ServerSettings
from pywharf.threads import StorageThreads
from pywharf.upload_stream import receive_upload
from pywharf_core.errors import ConfigurationError, WharfError
from pywharf_core.upload.staging import StagingArea

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
MAX_FILE_BYTES = 2 * 1024**3

Send = Callable[[Message], Awaitable[None]]


async def _respond(send: Send, status: int, body: bytes) -> None:
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Receive) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return size, "disconnected"
        digest.update(message["body"])
        size += len(message["body"])
        if not message["more_body"]:
            return size, digest.hexdigest()


async def _upload(
    headers: Headers, receive: Receive, send: Send, staging: StagingArea, threads: StorageThreads
) -> None:
    body_is_over = False

    async def watched() -> Message:
        nonlocal body_is_over
        message = await receive()
        body_is_over = not message.get("more_body", False)
        return message

    create = partial(staging.create, MAX_FILE_BYTES)
    try:
        form = await receive_upload(headers, watched, create, threads, max_file_bytes=MAX_FILE_BYTES)
    except WharfError as error:
        answer = partial(_respond, status=400, body=str(error).encode())
        await (answer(send) if body_is_over else answer_early(receive, send, answer))
        return
    assert form.staging is not None
    said = {"filename": form.filename, "size": form.staging.size, "hashes": form.staging.hashes()}
    await threads.run(form.staging.discard)
    await _respond(send, 200, json.dumps(said).encode())


def create(settings: ServerSettings) -> Any:
    """GET / says the worker's process id; POST /read says size and sha256 of the body; POST /early is 401; POST /upload
    receives an upload, says what came, and keeps nothing; GET /tasks counts tasks, GET /peak says the memory's peak."""
    staging = StagingArea(Path(settings.root) / "staging")
    threads = StorageThreads(4)

    async def application(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        if scope["path"] == "/early":
            await asyncio.sleep(0.02)  # as a verdict takes
            sentence = "no such secret: give the repository's name and its secret"
            with_sentence = with_reason(send, sentence)
            await answer_early(receive, with_sentence, lambda send: _respond(send, 401, sentence.encode()))
        elif scope["path"] == "/read":
            await _respond(send, 200, json.dumps(await _read(receive)).encode())
        elif scope["path"] == "/upload":
            await _upload(Headers(scope=scope), receive, send, staging, threads)
        elif scope["path"] == "/peak":
            await _respond(send, 200, str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024).encode())
        elif scope["path"] == "/tasks":
            await _respond(send, 200, str(len(asyncio.all_tasks())).encode())
        elif scope["path"] == "/settings":
            await _respond(send, 200, settings.to_json().encode())
        else:
            await _respond(send, 200, str(os.getpid()).encode())

    return application


def create_misconfigured(settings: ServerSettings) -> Any:
    raise ConfigurationError(["config.toml: [local] type is missing", "config.toml: [other] type is missing"])


def create_broken(settings: ServerSettings) -> Any:
    raise RuntimeError("something unforeseen")


def create_that_dies(settings: ServerSettings) -> Any:
    os._exit(3)


def main() -> int:
    orders = json.loads(sys.argv[1])
    settings = ServerSettings(**orders["settings"])
    try:
        listener = listen(orders.get("host", "127.0.0.1"), orders.get("port", 0))
        url = url_of(listener, scheme="http")
        return serve(
            listener,
            settings,
            workers=orders.get("workers", 1),
            hypercorn=orders.get("hypercorn"),
            on_listening=lambda: print(f"listening on {url}", flush=True),
            application=f"server.toy_server:{orders.get('application', 'create')}",
        )
    except WharfError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
