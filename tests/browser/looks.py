"""How a page may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import Page


@dataclass(frozen=True)
class Look:
    """:ivar width: of the window, in CSS pixels, as ``height`` is."""

    name: str
    width: int
    height: int
    colours: Literal["light", "dark"] = "light"

    def apply(self, page: Page) -> None:
        page.set_viewport_size({"width": self.width, "height": self.height})
        page.emulate_media(color_scheme=self.colours)


LOOKS = [Look("light", 1100, 750), Look("dark", 1100, 750, "dark"), Look("phone", 390, 844)]
