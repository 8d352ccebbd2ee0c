"""The tiny wheels and sdists that tests are made of are real ones."""

from __future__ import annotations

import base64
import csv
import email
import hashlib
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pywharf_core.filenames import parse_filename
from pywharf_core.testing import make_sdist, make_upload, make_wheel


def test_every_line_of_record_has_the_right_hash(tmp_path: Path) -> None:
    wheel = make_wheel(
        tmp_path, "Holy.Grail", "1.0", build_tag="2", extra_files={"data/x.txt": b"x"}, padding=3_000_000
    )
    assert wheel.name == "holy_grail-1.0-2-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        record = csv.reader(archive.read("holy_grail-1.0.dist-info/RECORD").decode().splitlines())
        lines = {name: (digest, size) for name, digest, size in record}
        assert set(lines) == set(archive.namelist())
        assert lines.pop("holy_grail-1.0.dist-info/RECORD") == ("", "")
        for name, (digest, size) in lines.items():
            content = archive.read(name)
            encoded = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={encoded}", str(len(content)))


@pytest.mark.parametrize("maker", [make_wheel, make_sdist])
def test_the_same_arguments_give_the_same_bytes(tmp_path: Path, maker: Callable[..., Path]) -> None:
    fields = {"summary": "s", "requires_dist": ["a"], "description": "long", "padding": 5}
    first, second = (maker(tmp_path / name, "holygrail", "1.0", **fields) for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    assert maker(tmp_path, "holygrail", "1.0", summary="t").read_bytes() != first.read_bytes()


def test_metadata_says_what_was_asked_for(tmp_path: Path) -> None:
    fields = {
        "summary": "s",
        "requires_python": ">=3.11",
        "requires_dist": ["a>1", "b"],
        "headers": [("Classifier", "A :: B")],
        "description": "long\n",
    }
    with zipfile.ZipFile(make_wheel(tmp_path, "holygrail", "1.0", **fields)) as wheel:  # type: ignore[arg-type]
        in_wheel = wheel.read("holygrail-1.0.dist-info/METADATA")
    with tarfile.open(make_sdist(tmp_path, "holygrail", "1.0", **fields)) as sdist:  # type: ignore[arg-type]
        assert {name.partition("/")[0] for name in sdist.getnames()} == {"holygrail-1.0"}
        member = sdist.extractfile("holygrail-1.0/PKG-INFO")
        assert member is not None
        assert member.read() == in_wheel
    message = email.message_from_bytes(in_wheel)
    assert message["Requires-Python"] == ">=3.11"
    assert message.get_all("Requires-Dist") == ["a>1", "b"]
    assert message["Classifier"] == "A :: B"
    assert message.get_payload() == "long\n"


def test_a_wheel_can_be_installed(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "holygrail", "1.0", padding=10)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-index",
        "--target",
        str(tmp_path / "site"),
        str(wheel),
    ]
    subprocess.run(command, check=True, capture_output=True)
    shown = subprocess.run(
        [sys.executable, "-c", "import holygrail; print(holygrail.__version__)"],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path / "site")},
    )
    assert shown.stdout == "1.0\n"


@pytest.mark.parametrize("sdist", [False, True])
def test_an_upload_describes_the_bytes_that_are_staged(tmp_path: Path, sdist: bool) -> None:
    file, staged = make_upload(tmp_path, "Holy.Grail", "1.0.0", sdist=sdist, summary="s", requires_python=">=3.11")
    content = staged.path.read_bytes()
    assert file.sha256 == staged.hashes["sha256"] == hashlib.sha256(content).hexdigest()
    assert file.size == staged.size == len(content)
    assert parse_filename(file.filename).project == file.project == "holy-grail"
    assert file.core_metadata is not None
    assert file.core_metadata["summary"] == "s"
