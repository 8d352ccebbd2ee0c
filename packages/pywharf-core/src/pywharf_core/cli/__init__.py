"""The command line ``pywharf``: a root group, environment mode, and one module per command."""

from pywharf_core.cli.program import main

__all__ = ["main"]
