"""What a browser has to complain about, whatever a test looks at."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Request, Response


class Watch:
    """Of all pages of one visitor.

    :ivar complaints: errors and warnings of consoles, refusals by the Content-Security-Policy among them, errors of
        scripts, dialogs, and requests to any host but this machine.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.complaints: list[str] = []
        self._refused: dict[str, int] = {}
        context.on("console", self._said)
        context.on("weberror", lambda error: self.complaints.append(f"a script failed: {error.error}"))
        context.on("request", self._asked)
        context.on("response", self._answered)
        context.on("dialog", self._asked_by_a_dialog)

    def taken(self) -> list[str]:
        """The complaints up to now, which are not told again."""
        taken, self.complaints = self.complaints, []
        return taken

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.request.is_navigation_request():
            self._refused[response.url] = response.status

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).hostname not in ("127.0.0.1", "localhost", None):
            self.complaints.append(f"asked {request.url}")

    def _asked_by_a_dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        # A page with a status of 400 and more is one that the visitor was to see; Chromium reports it all the same.
        status = self._refused.get(message.location["url"])
        if status is not None and message.text.startswith(
            f"Failed to load resource: the server responded with a status of {status} ("
        ):
            return
        self.complaints.append(f"{message.location['url']}: {message.text}")
