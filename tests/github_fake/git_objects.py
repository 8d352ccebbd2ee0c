"""Git's objects, with the names that git gives them, and the refs of one repository."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_NOT_IN_A_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^/|/$|\.$|\.lock(/|$)|(^|/)\.")


def blob_sha(content: bytes) -> str:
    return _sha("blob", content)


def is_ref_name(name: str) -> bool:
    """Whether git takes it, `refs/heads/` and the like included or not."""
    return bool(name) and name != "@" and _NOT_IN_A_REF.search(name) is None


@dataclass(frozen=True)
class Entry:
    """:ivar mode: `100644`, `100755`, `120000`, `040000` or `160000`."""

    mode: str
    sha: str

    @property
    def type(self) -> str:
        return {"040000": "tree", "160000": "commit"}.get(self.mode, "blob")


@dataclass(frozen=True)
class Commit:
    """:ivar date: Unix seconds."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str
    author: str
    email: str
    date: int


class GitRepository:
    """Objects and refs. Nothing is ever forgotten, unreachable objects included."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.trees: dict[str, Mapping[str, Entry]] = {}
        self.commits: dict[str, Commit] = {}
        self.refs: dict[str, str] = {}
        self.add_tree({})

    def add_blob(self, content: bytes) -> str:
        sha = blob_sha(content)
        self.blobs[sha] = content
        return sha

    def add_tree(self, entries: Mapping[str, Entry]) -> str:
        """:param entries: of one folder, by name."""
        ordered = sorted(entries.items(), key=lambda item: item[0] + ("/" if item[1].type == "tree" else ""))
        encoded = b"".join(
            f"{entry.mode.lstrip('0')} {name}\0".encode() + bytes.fromhex(entry.sha) for name, entry in ordered
        )
        sha = _sha("tree", encoded)
        self.trees[sha] = dict(ordered)
        return sha

    def add_commit(self, tree: str, parents: Sequence[str], message: str, author: str, email: str, date: float) -> str:
        seconds = int(date)
        person = f"{author} <{email}> {seconds} +0000"
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {person}", f"committer {person}"]
        sha = _sha("commit", ("\n".join(lines) + f"\n\n{message}").encode())
        self.commits[sha] = Commit(sha, tree, tuple(parents), message, author, email, seconds)
        return sha

    def tree_with(self, tree: str, changes: Mapping[str, Entry | None]) -> str:
        """:param changes: by path with slashes; None takes the path away."""
        here = dict(self.trees[tree])
        below: dict[str, dict[str, Entry | None]] = {}
        for path, entry in changes.items():
            name, _, rest = path.partition("/")
            if rest:
                below.setdefault(name, {})[rest] = entry
            elif entry is None:
                here.pop(name, None)
            else:
                here[name] = entry
        for name, inner in below.items():
            old = here.get(name)
            base = old.sha if old is not None and old.type == "tree" else self.add_tree({})
            sha = self.tree_with(base, inner)
            if self.trees[sha]:
                here[name] = Entry("040000", sha)
            else:
                here.pop(name, None)
        return self.add_tree(here)

    def entry(self, tree: str, path: str) -> Entry | None:
        """What is at ``path``; the tree itself for an empty one."""
        found = Entry("040000", tree)
        for name in filter(None, path.split("/")):
            if found.type != "tree" or name not in self.trees[found.sha]:
                return None
            found = self.trees[found.sha][name]
        return found

    def files(self, tree: str, *, recursive: bool = True, prefix: str = "") -> Iterator[tuple[str, Entry]]:
        """Path and entry, folders included, as GitHub lists a tree."""
        for name, entry in self.trees[tree].items():
            yield prefix + name, entry
            if recursive and entry.type == "tree":
                yield from self.files(entry.sha, prefix=f"{prefix}{name}/")

    def commit_of(self, revision: str) -> Commit | None:
        """:param revision: a branch, a tag, a whole ref, or the name of a commit."""
        for ref in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision, f"refs/{revision}"):
            if ref in self.refs:
                return self.commits.get(self.refs[ref])
        return self.commits.get(revision)

    def is_ancestor(self, older: str, newer: str) -> bool:
        pending, seen = [newer], set()
        while pending:
            sha = pending.pop()
            if sha == older:
                return True
            if sha in self.commits and sha not in seen:
                seen.add(sha)
                pending += self.commits[sha].parents
        return False


def _sha(kind: str, content: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()
