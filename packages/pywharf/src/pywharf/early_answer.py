"""Answering a request whose body was not read, such as 401 to an upload, without a hang.

Hypercorn waits for ever when an application gives its last message while pieces of the body are queued (its
``http.disconnect`` finds the queue full, inside ``send``). Clients, too, want to have sent their body before they
look at the answer. So: a task takes the body and throws it away from before the answer until the body's end; only then
comes the last message. That is bounded, after which the connection is closed on the client.

Behind a proxy the first message waits too: Caddy closes the connection on a client that still sends when an answer comes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
from anyio.abc import TaskStatus
from starlette.types import Message, Receive, Send

MOST_BYTES = 64 * 1024 * 1024  # of a body that are taken for the sake of a clean end
LONGEST_WAIT = 10.0  # seconds
_AFTERWARDS = 5.0  # seconds for the server to say that the connection is closed


async def answer_early(
    receive: Receive,
    send: Send,
    send_response: Callable[[Send], Awaitable[None]],
    *,
    behind_a_proxy: bool = False,
    most_bytes: int = MOST_BYTES,
    longest_wait: float = LONGEST_WAIT,
) -> None:
    """Send a response while the request's body, or the rest of it, is still on its way.

    :param receive: ASGI's, of which the message that ends the body (or ``http.disconnect``) was not taken yet: else
        an ordinary answer is the right one. A request without a body has that message too.
    :param send_response: sends the whole response through the ``send`` it is given, such as
        ``lambda send: response(request.scope, receive, send)`` with a response that does not call ``receive``.
    """
    enough = anyio.Event()

    async def throw_away(*, task_status: TaskStatus[None]) -> None:
        task_status.started()
        taken = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                break
            taken += len(message.get("body", b""))
            ended = not message.get("more_body", False)
            if ended or taken > most_bytes:
                enough.set()
            # Going on after the body's end ends with http.disconnect: only this way nothing is left in a queue.
        enough.set()

    async def send_but_for_the_end(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "more_body": True}
        await send(message)

    async with anyio.create_task_group() as tasks:
        await tasks.start(throw_away)
        if not behind_a_proxy:
            await send_response(send_but_for_the_end)
        with anyio.move_on_after(longest_wait):
            await enough.wait()
        if behind_a_proxy:
            await send_response(send_but_for_the_end)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        tasks.cancel_scope.deadline = anyio.current_time() + _AFTERWARDS
