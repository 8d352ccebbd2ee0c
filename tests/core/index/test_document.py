"""The remote index file as text, and what operations make of it."""

from __future__ import annotations

import itertools
import json
import tomllib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.index.entries import contents, entry, files, states, tombstones
from pywharf_core.index.content import (
    SHARDS,
    Content,
    Operation,
    RefusedFiles,
    Reservation,
    Revival,
    Tombstone,
    apply,
    merge,
    shard_of,
    shows,
    split,
    tombstone_of,
)
from pywharf_core.index.document import (
    UnknownFormat,
    decode_main,
    decode_shard,
    encode_main,
    encode_shard,
    is_sharded,
    refused_in,
)
from pywharf_core.model import ProjectState, ProjectStatus
from pywharf_core.testing.storage_contract import HOSTILE

# --- text ----------------------------------------------------------------------------------------------------


@given(contents)
def test_what_was_written_is_read_again(content: Content) -> None:
    assert decode_main(encode_main(content, mtime=1)) == content
    assert decode_shard(encode_shard(content)) == content
    assert merge(map(decode_shard, map(encode_shard, split(content).values()))) == content


@given(contents)
def test_what_is_written_is_toml_whose_lines_are_json(content: Content) -> None:
    text = encode_main(content, mtime=17).decode("ascii")
    document = tomllib.loads(text)
    assert (document["format"], document["mtime"], document["sharded"]) == (2, 17, False)
    records = [json.loads(line) for line in document["files"]]
    assert {record["storage_id"]: record["fingerprint"] for record in records} == {
        identity: file.fingerprint for identity, file in content.files.items()
    }
    assert (len(document["deleted"]), len(document["projects"])) == (len(content.deleted), len(content.projects))


@given(contents)
def test_edited_by_hand_it_is_still_read(content: Content) -> None:
    text = encode_main(content, mtime=1).decode()
    for edited in (f"# mine\n{text}", text.replace("\n", "\r\n"), text.replace("  '", "      '"), text.rstrip()):
        assert decode_main(edited.encode()) == content
    as_basic_strings = "\n".join(
        json.dumps(line.strip().removesuffix(",")[1:-1]) + "," if line.startswith("  '") else line
        for line in text.split("\n")
    )
    assert decode_main(as_basic_strings.encode()) == content


@given(st.lists(files, min_size=1, max_size=8, unique_by=lambda file: file.storage_id))
def test_each_file_is_one_line_and_a_change_of_it_changes_no_other(all_files: list) -> None:  # type: ignore[type-arg]
    before = encode_shard(Content(files={file.storage_id: file for file in all_files})).split(b"\n")
    after = encode_shard(Content(files={file.storage_id: file for file in all_files[1:]})).split(b"\n")
    assert len(before) == len(after) + 1
    assert sum(line not in after for line in before) == 1


def test_the_order_of_changes_does_not_show() -> None:
    one, other = entry(1), entry(2)
    assert encode_shard(apply(Content(), [one, other])) == encode_shard(apply(Content(), [other, one]))


def test_the_main_part_of_a_sharded_index_says_so_and_holds_nothing() -> None:
    main = encode_main(None, mtime=1)
    assert decode_main(main) is None
    assert is_sharded(main)
    assert not is_sharded(encode_main(Content(), mtime=1))
    assert not is_sharded(b"# mine\n" + encode_main(Content(files={"1": entry(storage_id="1")}), mtime=1))
    assert len(main) < 1000


def test_shards_are_chosen_by_project_alone() -> None:
    content = Content(files={file.storage_id: file for file in (entry(1), entry(2), entry(1, "swallow"))})
    shards = split(content)
    assert tuple(shards) == SHARDS
    assert {name for name, shard in shards.items() if shard.files} == {shard_of("holygrail"), shard_of("swallow")}
    assert len(shards[shard_of("holygrail")].files) == 2


OF_0_2 = """mtime = 1604222222

[[pkgs]]
pkg = "holygrail-1.0-py3-none-any.whl"
name = "holygrail"
"""


@pytest.mark.parametrize(
    "text",
    [OF_0_2, "", "format = 1\n", 'format = "2"\n', "not toml", "\udcff", 'format = 2\nfiles = ["no json"]\n'],
)
def test_what_is_of_another_format_or_damaged_is_not_guessed_at(text: str) -> None:
    with pytest.raises(UnknownFormat) as caught:
        decode_main(text.encode("utf-8", "surrogateescape"))
    assert not caught.value.later


@pytest.mark.parametrize("fields", ["{}", '{"storage_id": "1"}', "[]", "1"])
def test_a_damaged_entry_is_told(fields: str) -> None:
    for table in ("files", "deleted", "projects"):
        text = encode_shard(Content()).decode().replace(f"{table} = [", f"{table} = [\n  '{fields}',")
        with pytest.raises(UnknownFormat, match="damaged"):
            decode_shard(text.encode())


def test_a_later_format_is_known_to_be_later() -> None:
    with pytest.raises(UnknownFormat, match="format 3, not 2") as caught:
        decode_main(b"format = 3\n")
    assert caught.value.later


def test_hostile_text_breaks_no_line() -> None:
    text = encode_shard(Content(files={"1": entry(storage_id="1", comment=HOSTILE)}))
    assert len(text.splitlines()) == len(encode_shard(Content()).splitlines()) + 1


# --- operations ----------------------------------------------------------------------------------------------

_operations = st.lists(files | tombstones | states | st.builds(Reservation, project=st.just("holygrail")), max_size=6)


@given(contents, _operations)
def test_applying_twice_changes_nothing_more_and_what_was_applied_is_shown(content: Content, operations: list) -> None:  # type: ignore[type-arg]
    after = apply(content, operations)
    files_and_tombstones = [it for it in operations if not isinstance(it, ProjectState)]
    assert apply(after, files_and_tombstones) == after
    assert all(shows(after, it) for it in files_and_tombstones)


@given(contents, files | tombstones | states)
def test_what_is_shown_is_what_would_change_nothing(content: Content, operation: object) -> None:
    after = apply(content, [operation])  # type: ignore[list-item]
    assert shows(content, operation) == (after == content)  # type: ignore[arg-type]


def _orders(operations: list[Operation]) -> Iterator[tuple[Operation, ...]]:
    return itertools.permutations(operations)


def test_files_and_tombstones_come_to_the_same_in_every_order() -> None:
    operations = [entry(counter=0), entry(counter=2, yanked="b"), entry(counter=1, yanked="a"), entry(2)]
    dead = Tombstone(storage_id="holygrail:2", filename="x", sha256="0" * 64, project="holygrail")
    results = [apply(Content(), order) for order in _orders([*operations, dead])]
    assert all(result == results[0] for result in results)
    assert [file.yanked for file in results[0].files.values()] == ["b"]
    assert results[0].projects["holygrail"].reserved


def test_a_reservation_is_never_taken_back() -> None:
    content = apply(Content(), [Reservation(project="holygrail")])
    active = ProjectState(name=entry().project, status=ProjectStatus.ARCHIVED)
    state = apply(content, [active]).projects["holygrail"]
    assert (state.reserved, state.status) == (True, ProjectStatus.ARCHIVED)


# --- missing, and back -------------------------------------------------------------------------------------------


def test_what_is_missing_can_be_revived_and_what_is_deleted_cannot() -> None:
    file, listed = entry(1), Content(files={entry(1).storage_id: entry(1)})
    missing, deleted, back = tombstone_of(file, missing=True), tombstone_of(file), Revival(file=file)
    gone = apply(listed, [missing])
    assert gone.files == {}
    assert shows(gone, file), "an addition beats no tombstone"
    assert not shows(gone, back)
    assert apply(gone, [file]).files == {}
    assert apply(gone, [back]).files == listed.files
    assert apply(gone, [back]).deleted == {}
    assert not shows(gone, deleted), "that somebody deleted it is news"
    dead = apply(gone, [deleted])
    assert dead.deleted[file.storage_id] == deleted
    assert shows(dead, back)
    assert apply(dead, [back, missing]) == dead
    assert apply(listed, [back]) == listed
    older = replace(file, counter=file.counter + 1)
    assert apply(Content(files={file.storage_id: older}), [back]).files == {file.storage_id: older}


def test_a_tombstone_says_whether_its_file_is_missing_or_deleted() -> None:
    for missing in (False, True):
        content = apply(Content(), [tombstone_of(entry(1), missing=missing)])
        assert decode_main(encode_main(content, mtime=1)) == content
    assert b"missing" not in encode_main(apply(Content(), [tombstone_of(entry(1))]), mtime=1)


@pytest.mark.parametrize("sharded", [False, True])
def test_what_is_refused_is_said_by_the_main_part(*, sharded: bool) -> None:
    content = apply(Content(), [RefusedFiles(reasons={"a-1.0.tar.gz": "It's damaged."})])
    main = encode_main(None if sharded else content, mtime=1, refused=content.refused)
    assert refused_in(main) == {"a-1.0.tar.gz": "It's damaged."}
    assert is_sharded(main) is sharded
