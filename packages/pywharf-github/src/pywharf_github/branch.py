"""A branch of the GitHub repository: its head, read for nothing while nothing changes, and files written by compare and
swap.

A file's revision is the hash of its git blob, which anybody can compute from its bytes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pywharf_core import Secret, StorageUnavailable
from pywharf_github.answers import Answer, refusal
from pywharf_github.client import Client, segment

_MAX_INLINE = 4 * 1024**2  # bytes of all files together that travel in the request that makes a tree
_REFUSED = (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)

#: GitHub's words where somebody else was first; a rule of the branch speaks with the same statuses.
_OVERTAKEN = ("does not match", "but expected", '"sha" wasn\'t supplied', "not a fast forward")


@dataclass(frozen=True, slots=True)
class Head:
    """The branch as it was last seen.

    :ivar etag: GitHub's, which is good for the asker's secret only.
    :ivar asker: that secret, as a keyed hash.
    :ivar files: git blob hash by path, of the files that are watched.
    """

    etag: str
    asker: bytes
    commit: str
    tree: str
    files: Mapping[str, str]


class HeadMemory:
    """What the last look at the branch saw; shared by all views of a storage."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._lock = threading.Lock()
        self._head: Head | None = None
        self.default_branch: str | None = None

    def asker(self, secret: Secret | None) -> bytes:
        return hmac.digest(self._key, b"" if secret is None else secret.reveal().encode(), "sha256")

    def get(self) -> Head | None:
        with self._lock:
            return self._head

    def put(self, head: Head | None) -> None:
        with self._lock:
            self._head = head


class Branch:
    """The branch with one caller's rights.

    :param name: None: the repository's default branch.
    :param watched: paths of files whose revisions ``head`` tells; one that ends with a slash is a folder.
    """

    def __init__(self, client: Client, name: str | None, watched: Sequence[str], memory: HeadMemory) -> None:
        self._client = client
        self._name = name
        self._watched = tuple(watched)
        self._memory = memory

    # --- single files -------------------------------------------------------------------------------------

    def read(self, path: str) -> bytes | None:
        """A file of the branch; None: there is none."""
        try:
            return self._client.read_raw(f"/contents/{_quoted(path)}{'' if self._name is None else self._ref()}")
        except FileNotFoundError:
            self._client.check_visible()
            return None

    def put(self, path: str, content: bytes, replaces: str | None, message: str) -> bool:
        """Write one file if its blob is ``replaces`` still, None for a new one; False: it, or the branch, is not."""
        request: dict[str, Any] = {"message": message, "content": base64.b64encode(content).decode("ascii")}
        # The branch that was read, even if another one is the default by now: there GitHub would find no file to compare.
        branch = self._memory.default_branch if self._name is None and self._memory.get() is not None else self._name
        if branch is not None:
            request["branch"] = branch
        if replaces is not None:
            request["sha"] = replaces
        answer = self._client.ask(
            "PUT", f"/contents/{_quoted(path)}", body=request, also=(*_REFUSED, HTTPStatus.NOT_FOUND)
        )
        if answer.status == HTTPStatus.NOT_FOUND:
            self._client.check_visible()
            raise self._refused_write(answer)
        return _was_done(answer)

    # --- the head -----------------------------------------------------------------------------------------

    def head(self, *, again: bool = False) -> Head | None:
        """The branch as it is now; None: it is not there.

        :param again: it is known to have changed.
        """
        known, asker = self._memory.get(), self._memory.asker(self._client.secret)
        conditional = {}
        if known is not None and hmac.compare_digest(known.asker, asker) and not again:
            conditional["If-None-Match"] = known.etag
        path = f"/branches/{segment(self._branch_name())}"
        answer = self._client.ask(
            "GET", path, headers=conditional, also=(HTTPStatus.NOT_MODIFIED, HTTPStatus.NOT_FOUND)
        )
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return known
        if answer.status == HTTPStatus.NOT_FOUND:
            self._memory.default_branch = None
            self._client.check_visible()
            self._memory.put(None)
            return None
        commit = answer.data["commit"]
        sha, tree = str(commit["sha"]), str(commit["commit"]["tree"]["sha"])
        if known is None or known.commit not in (sha, *(str(parent["sha"]) for parent in commit["parents"])):
            self._client.check_identity()  # it may be another repository that has the name now
        files = known.files if known is not None and known.tree == tree else self._files(tree)
        head = Head(answer.headers.get("etag", ""), asker, sha, tree, files)
        if head.etag:
            self._memory.put(head)
        return head

    def blob(self, sha: str) -> bytes:
        """The bytes of a watched file."""
        try:
            content = self._client.read_raw(f"/git/blobs/{sha}")
        except FileNotFoundError:
            self._client.check_visible()
            raise StorageUnavailable("The index changed on GitHub while it was read; try again.") from None
        if blob_hash(content) != sha:
            raise StorageUnavailable("A part of the index arrived damaged; try again.")
        return content

    def commit(self, head: Head, files: Mapping[str, bytes], message: str) -> bool:
        """All files in one commit on ``head``; False: the branch has moved on."""
        tree = self._client.ask(
            "POST", "/git/trees", body={"base_tree": head.tree, "tree": self._tree_entries(files)}
        ).data["sha"]
        commit = self._client.ask(
            "POST", "/git/commits", body={"message": message, "tree": tree, "parents": [head.commit]}
        ).data["sha"]
        path = f"/git/refs/heads/{_quoted(self._branch_name())}"
        answer = self._client.ask("PATCH", path, body={"sha": commit, "force": False}, also=_REFUSED)
        return _was_done(answer)

    def missing(self) -> StorageUnavailable:
        """The error where something must be written and there is no branch."""
        name = "a default branch" if self._name is None else f"the branch {self._name}"
        return StorageUnavailable(f"The GitHub repository lacks {name}; make it by a first commit.")

    def _branch_name(self) -> str:
        if self._name is not None:
            return self._name
        if self._memory.default_branch is None:
            self._memory.default_branch = self._client.as_it_was().default_branch
        return self._memory.default_branch

    def _files(self, tree: str) -> Mapping[str, str]:
        answer = self._tree(tree, recursive=True)
        entries = {str(entry["path"]): entry for entry in answer["tree"]}
        if answer.get("truncated"):  # a branch with very many files beside ours
            entries = self._walk(tree)
        return {
            path: str(entry["sha"])
            for path, entry in entries.items()
            if entry["type"] == "blob" and path.startswith(self._watched)
        }

    def _walk(self, tree: str) -> dict[str, Any]:
        """The entries of only those folders in which watched files lie."""
        found: dict[str, Any] = {}
        folders = {"": tree}
        for way in sorted({path.rpartition("/")[0] for path in self._watched}):
            prefix = ""
            for name in [*way.split("/"), ""] if way else [""]:
                if prefix not in folders:
                    break
                for entry in self._tree(folders[prefix], recursive=False)["tree"]:
                    path = prefix + str(entry["path"])
                    found[path] = entry
                    if entry["type"] == "tree":
                        folders[f"{path}/"] = str(entry["sha"])
                prefix = f"{prefix}{name}/"
        return found

    def _tree(self, sha: str, *, recursive: bool) -> Mapping[str, Any]:
        parameters = {"recursive": "1"} if recursive else {}
        data: Mapping[str, Any] = self._client.ask("GET", f"/git/trees/{sha}", parameters=parameters).data
        return data

    def _tree_entries(self, files: Mapping[str, bytes]) -> Sequence[Mapping[str, str]]:
        inline = sum(map(len, files.values())) <= _MAX_INLINE
        entries = []
        for path, content in files.items():
            entry = {"path": path, "mode": "100644", "type": "blob"}
            if inline and (text := _text(content)) is not None:
                entries.append({**entry, "content": text})
                continue
            request = {"content": base64.b64encode(content).decode("ascii"), "encoding": "base64"}
            entries.append({**entry, "sha": str(self._client.ask("POST", "/git/blobs", body=request).data["sha"])})
        return entries

    def _ref(self) -> str:
        return f"?ref={segment(self._branch_name())}"

    def _refused_write(self, answer: Answer) -> Exception:
        return refusal(answer) if self.head(again=True) is not None else self.missing()


def _was_done(answer: Answer) -> bool:
    """False: somebody else was first.

    :raises StorageUnavailable: the branch takes no such write, as its protection rules say.
    """
    if not answer.is_success and not any(words in answer.reason for words in _OVERTAKEN):
        raise refusal(answer)
    return answer.is_success


def blob_hash(content: bytes) -> str:
    """The hash by which git knows a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _quoted(path: str) -> str:
    return "/".join(segment(part) for part in path.split("/"))
