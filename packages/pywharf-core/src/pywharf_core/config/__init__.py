"""What the operator wrote, as values."""

from pywharf_core.config.load import load_configuration
from pywharf_core.config.repositories import CommonOptions, RepositoryConfiguration

__all__ = ["CommonOptions", "RepositoryConfiguration", "load_configuration"]
