"""What the author of a pywharf plugin imports, and nothing else.

Modules of pywharf itself import each other by their own names, never through this one.
"""

from pywharf_core import toml_text
from pywharf_core.amounts import duration
from pywharf_core.auth import Access, Auth, AuthType, Verdict
from pywharf_core.config import load_configuration
from pywharf_core.errors import (
    FileAlreadyExists,
    FileChanged,
    FileNotFound,
    IndexConflict,
    InvalidUpload,
    NotAuthenticated,
    NotPermitted,
    NotSupported,
    StorageUnavailable,
    WharfError,
)
from pywharf_core.filenames import ParsedFilename, is_project_name, normalise, parse_filename
from pywharf_core.hookspecs import hookimpl
from pywharf_core.model import (
    AttachmentKind,
    CoreMetadata,
    DistributionFile,
    ProjectPage,
    ProjectState,
    ProjectStatus,
    StagedFile,
    core_metadata_of,
    from_record,
    to_record,
)
from pywharf_core.new_configuration import check_no_configuration, write_new_configuration
from pywharf_core.object_storage import ObjectStorage
from pywharf_core.options import option
from pywharf_core.plugins import Plugins
from pywharf_core.ranges import open_ranges
from pywharf_core.secret import Secret
from pywharf_core.secret_parameter import SECRET
from pywharf_core.static_site import write_static_site
from pywharf_core.storage import Storage, StorageType
from pywharf_core.storage_answers import (
    Change,
    ChangeKind,
    Condition,
    Deleted,
    Flaw,
    LocalPath,
    OpenedFile,
    Pace,
    RedirectTo,
    Refused,
    ScanResult,
    StoredIndex,
    Unchanged,
)
from pywharf_core.upload.archive import ArchiveMetadata, read_core_metadata

__all__ = [
    "Access",
    "ArchiveMetadata",
    "AttachmentKind",
    "Auth",
    "AuthType",
    "Change",
    "ChangeKind",
    "Condition",
    "CoreMetadata",
    "Deleted",
    "DistributionFile",
    "FileAlreadyExists",
    "FileChanged",
    "FileNotFound",
    "Flaw",
    "IndexConflict",
    "InvalidUpload",
    "LocalPath",
    "NotAuthenticated",
    "NotPermitted",
    "NotSupported",
    "ObjectStorage",
    "OpenedFile",
    "Pace",
    "ParsedFilename",
    "Plugins",
    "ProjectPage",
    "ProjectState",
    "ProjectStatus",
    "RedirectTo",
    "Refused",
    "SECRET",
    "ScanResult",
    "Secret",
    "StagedFile",
    "Storage",
    "StorageType",
    "StorageUnavailable",
    "StoredIndex",
    "Unchanged",
    "Verdict",
    "WharfError",
    "check_no_configuration",
    "core_metadata_of",
    "duration",
    "from_record",
    "hookimpl",
    "is_project_name",
    "load_configuration",
    "normalise",
    "open_ranges",
    "option",
    "parse_filename",
    "read_core_metadata",
    "to_record",
    "toml_text",
    "write_new_configuration",
    "write_static_site",
]
