"""An application of a few lines in pywharf's own kind of worker: the floor under which Hypercorn does not go."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from pywharf.listening import listen, url_of
from pywharf.serve import serve
from pywharf.settings import ServerSettings
from pywharf_core.root import Root


def constant_answer(settings: ServerSettings) -> ASGIApp:
    """Answers everything with the bytes of ROOT/body and the headers of ROOT/headers."""
    body = (Path(settings.root) / "body").read_bytes()
    lines = (Path(settings.root) / "headers").read_bytes().splitlines()
    headers = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


def main(root: str, application: str) -> int:
    Root(Path(root)).make()
    listener = listen("127.0.0.1", 0)
    return serve(
        listener,
        ServerSettings(root=root),
        on_listening=lambda: print(f"listening on {url_of(listener, scheme='http')}", flush=True),
        application=application,
    )


if __name__ == "__main__":
    search = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(search)  # workers find this module
    sys.exit(main(*sys.argv[1:]))
