"""The process that renders descriptions: one after the other, from its standard input to its standard output.

Who asks takes the end of the output as a failure. The kernel ends the process when a description takes too long,
whatever it is doing then, and when nobody asks for a while.
"""

from __future__ import annotations

import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

from pywharf.readme.description import Shape, plain
from pywharf.readme.messages import LONGEST, receive, send
from pywharf.readme.rendering import render

_IDLE = 300.0  # seconds
_MOST_MEMORY = 1024**3  # bytes of address space


def main() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):  # where memory runs out this process is the one to go, not the server
        Path("/proc/self/oom_score_adj").write_text("1000")
    while True:
        signal.setitimer(signal.ITIMER_REAL, _IDLE)
        request = receive(sys.stdin.buffer)
        if request is None:
            return
        signal.setitimer(signal.ITIMER_REAL, LONGEST)
        try:
            description = render(request["text"], request["content_type"])
        except Exception:  # a bug in somebody's library is no reason to show nothing
            description = plain(request["text"], Shape.BROKEN)
        send(sys.stdout.buffer, {"html": description.html, "shape": description.shape})


if __name__ == "__main__":
    main()
