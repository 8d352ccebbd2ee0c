"""One repository for its readers: lists, pages, files. Everything but bytes comes out of the local index."""

from pywharf_core.repository.pages import ReleasePage
from pywharf_core.repository.repository import Repository

__all__ = ["ReleasePage", "Repository"]
