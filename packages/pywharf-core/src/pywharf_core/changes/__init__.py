"""What changes a repository: every publication, yank, deletion and status goes through here, whoever asks for it.

The storage is told first, the local index after it: a listed file always exists. A process that dies between the two
leaves a change that the next synchronisation lists. Other servers change the same storage, so it is the storage that is
asked what a listed file is now; the index follows.
"""

from pywharf_core.changes.files import amend, delete, yank
from pywharf_core.changes.projects import put_states, set_status
from pywharf_core.changes.publication import Published, publish, why_closed

__all__ = ["Published", "amend", "delete", "publish", "put_states", "set_status", "why_closed", "yank"]
