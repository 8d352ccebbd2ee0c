"""What sources have in common whose offers are files on this machine."""

from __future__ import annotations

from pathlib import Path

from pywharf_core.clock import Clock
from pywharf_core.transfer.offers import Offer, Source, reading, write_all
from pywharf_core.upload.staging import StagingFile


class LocalFiles(Source):
    """An offer's place is a path; its bytes can be judged without being fetched."""

    def fetch(self, offer: Offer, staging: StagingFile, clock: Clock) -> None:
        with reading():
            stream = open(offer.place, "rb", buffering=0)  # noqa: SIM115 - closed below; only its errors are the source's
        with stream:
            write_all(stream, staging, clock)

    def path(self, offer: Offer) -> Path:
        return Path(offer.place)
