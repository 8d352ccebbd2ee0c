"""The handle on the process that renders descriptions: begun when it is needed, begun anew when it died of one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress

from pywharf.readme.description import Description, Shape
from pywharf.readme.messages import LONGEST, receive, send

_ENVIRONMENT = ("LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH")  # and no secret that may be in there


class RenderingProcess:
    """One of this worker; for many threads, which take turns."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()
        self._closed = False

    def render(self, text: str, content_type: str) -> Description | None:
        """None: it takes too long, or cannot be done here."""
        with self._turn:
            for _ in range(2):  # it may just have gone because nobody asked, or been killed by somebody
                if self._closed:
                    return None
                began = time.monotonic()
                with suppress(OSError, ValueError):
                    answer = self._ask({"text": text, "content_type": content_type})
                    if answer is not None:
                        return Description(answer["html"], Shape(answer["shape"]))
                self._end()
                if time.monotonic() - began > LONGEST * 0.9:
                    return None
        return None

    def close(self) -> None:
        """End it; whoever waits for an answer gets none."""
        self._closed = True
        if (process := self._process) is not None:
            process.kill()
        with self._turn:
            self._end()

    def _ask(self, request: dict[str, str]) -> dict[str, str] | None:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pywharf.readme.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # a terminal's Ctrl-C is not for it
                cwd="/",
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            )
            # It may end when nobody asks: somebody has to take notice, or it stays as a defunct one.
            threading.Thread(target=self._process.wait, name="end of the rendering process", daemon=True).start()
        assert self._process.stdin is not None, "both are pipes"
        assert self._process.stdout is not None, "both are pipes"
        send(self._process.stdin, request)
        return receive(self._process.stdout)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with suppress(OSError):  # what is still to be written to it
                process.__exit__(None, None, None)
