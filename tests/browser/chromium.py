"""How Chromium is started: headless, asking nobody but the server of the test."""

from __future__ import annotations

FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
