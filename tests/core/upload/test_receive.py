from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.upload.crafted import METADATA, PKG_INFO, WHEEL_FILES, member, sdist_of, wheel_of, zip_of
from pywharf_core.errors import InvalidUpload
from pywharf_core.model import AttachmentKind, DistributionFile, StagedFile
from pywharf_core.testing import make_wheel
from pywharf_core.upload.form import parse_form
from pywharf_core.upload.receive import receive
from pywharf_core.upload.staging import StagingArea, StagingFile

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
WHEEL_NAME, SDIST_NAME = "foo-1.0-py3-none-any.whl", "foo-1.0.tar.gz"

Upload = Callable[..., tuple[DistributionFile, StagedFile]]


@pytest.fixture
def upload(tmp_path: Path) -> Iterator[Upload]:
    """Send a file; form fields by keyword, where None leaves the usual one out."""
    staged: list[StagingFile] = []

    def send(
        filename: str, content: bytes, *more: tuple[str, str], digests: tuple[str, ...] = (), **fields: str | None
    ) -> tuple[DistributionFile, StagedFile]:
        usual = {":action": "file_upload", "name": "foo", "version": "1.0", **fields}
        form = parse_form([*((key, value) for key, value in usual.items() if value is not None), *more])
        staging = StagingArea(tmp_path / "staging").create(10**9)
        staged.append(staging)
        staging.also_digest(*digests)
        if content:
            staging.write(content)
        return receive(form, filename, staging, now=NOW)

    yield send
    for staging in staged:
        staging.discard()


def test_a_wheel_becomes_a_file_to_publish(upload: Upload) -> None:
    content = wheel_of()
    sha256 = hashlib.sha256(content).hexdigest()
    file, staged = upload(WHEEL_NAME, content, comment="a note", filetype="bdist_wheel", sha256_digest=sha256.upper())
    assert file == DistributionFile(
        filename=WHEEL_NAME,
        project=file.project,
        version="1.0",
        packagetype="bdist_wheel",
        size=len(content),
        hashes={"sha256": sha256},
        upload_time=NOW,
        requires_python=">=3.8",
        core_metadata={"metadata_version": "2.1", "name": "foo", "version": "1.0", "requires_python": ">=3.8"},
        core_metadata_sha256=hashlib.sha256(METADATA).hexdigest(),
        comment="a note",
    )
    assert file.project == "foo"
    assert staged.path.read_bytes() == content
    assert (staged.size, staged.hashes) == (file.size, file.hashes)
    assert staged.attachments == {AttachmentKind.METADATA: METADATA}


def test_an_old_sdist_has_no_metadata_to_serve_and_takes_what_the_form_adds(upload: Upload) -> None:
    old = member("foo-1.0/PKG-INFO", b"Metadata-Version: 1.0\nName: foo\nVersion: 1.0\nSummary: of the archive\n")
    file, staged = upload(
        SDIST_NAME,
        sdist_of(old),
        summary="of the form",
        requires_python=">=3.9",
        author="somebody",
        metadata_version="9",
    )
    assert staged.attachments == {}
    assert file.core_metadata_sha256 is None
    assert file.requires_python == ">=3.9"
    assert file.core_metadata == {
        "metadata_version": "1.0",
        "name": "foo",
        "version": "1.0",
        "summary": "of the archive",
        "requires_python": ">=3.9",
        "author": "somebody",
    }


def test_a_form_cannot_add_what_installers_read_out_of_the_wheel(upload: Upload) -> None:
    metadata = b"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n"
    files = {**WHEEL_FILES, "foo-1.0.dist-info/METADATA": metadata}
    file, _ = upload(WHEEL_NAME, wheel_of(files), ("requires_dist", "bar"), requires_python=">=3.9", author="somebody")
    assert file.requires_python is None
    assert file.core_metadata == {"metadata_version": "2.1", "name": "foo", "version": "1.0", "author": "somebody"}


def test_a_digest_that_was_computed_or_stated_is_kept(upload: Upload) -> None:
    content = sdist_of(PKG_INFO)
    md5 = hashlib.md5(content).hexdigest()
    blake2 = hashlib.blake2b(content, digest_size=32).hexdigest()
    file, _ = upload(SDIST_NAME, content, digests=("md5",), blake2_256_digest=blake2.upper())
    assert file.hashes == {"sha256": hashlib.sha256(content).hexdigest(), "md5": md5, "blake2b_256": blake2}


@pytest.mark.parametrize("version", ["1", "1.0.0", "v1.0", "1.0.post0.dev0"])
def test_versions_agree_by_pep_440(upload: Upload, version: str) -> None:
    if "post" in version:
        with pytest.raises(InvalidUpload, match="they should agree"):
            upload(WHEEL_NAME, wheel_of(), version=version)
    else:
        assert upload(WHEEL_NAME, wheel_of(), version=version)[0].version == "1.0"


def test_names_agree_normalised(upload: Upload, tmp_path: Path) -> None:
    content = make_wheel(tmp_path, "Foo.Bar", "1.0").read_bytes()
    assert upload("foo_bar-1.0-py3-none-any.whl", content, name="foo--BAR")[0].project == "foo-bar"


def test_a_zip_sdist_whose_name_means_two_things_is_read_with_the_forms_name(upload: Upload) -> None:
    metadata = b"Metadata-Version: 1.0\nName: foo\nVersion: 1.0-1\n"
    file, _ = upload("foo-1.0-1.zip", zip_of({"foo-1.0-1/PKG-INFO": metadata}), version="1.0.post1", filetype="sdist")
    assert (file.project, file.version, file.packagetype) == ("foo", "1.0.post1", "sdist")


@pytest.mark.parametrize(
    ("filename", "content", "fields", "sentence"),
    [
        (WHEEL_NAME, b"", {}, "The file 'foo-1.0-py3-none-any.whl' is empty; upload it whole."),
        (WHEEL_NAME, wheel_of(), {"name": "bar"}, "The form's name 'bar' is not that of the file"),
        (WHEEL_NAME, wheel_of(), {"version": "2.0"}, "The form's version '2.0' is not that of the file"),
        (WHEEL_NAME, wheel_of(), {"version": "one"}, "The form's version 'one' is not that of the file"),
        (WHEEL_NAME, wheel_of(), {"filetype": "sdist"}, "filetype sdist does not fit the file"),
        (SDIST_NAME, sdist_of(PKG_INFO), {"filetype": "bdist_wheel"}, "it should be sdist."),
        (WHEEL_NAME, wheel_of(), {"md5_digest": "0" * 32}, "but the form says 00000000000000000000000000000000;"),
        (WHEEL_NAME, wheel_of(), {"sha256_digest": "0" * 64}, "The file's sha256 is "),
        (WHEEL_NAME, wheel_of(), {"blake2_256_digest": "0" * 64}, "The file's blake2b_256 is "),
        (WHEEL_NAME, b"not an archive", {}, "The file is not a zip archive"),
        (WHEEL_NAME, wheel_of()[:-5], {}, "The file is not a zip archive, or its end is missing; upload it whole."),
        (SDIST_NAME, sdist_of(PKG_INFO)[:-5], {}, "The file ends too early; upload it whole."),
        ("../foo-1.0.tar.gz", sdist_of(PKG_INFO), {}, "is not a valid filename"),
        ("foo-1.0.exe", b"MZ", {}, "is neither a wheel nor an sdist"),
        ("foo-1.0-py3.whl", wheel_of(), {}, "is not a valid wheel filename"),
        (
            "bar-1.0.tar.gz",
            sdist_of(PKG_INFO),
            {"name": "bar"},
            "PKG-INFO is of the project 'foo', its filename of 'bar'; they should agree.",
        ),
    ],
)
def test_an_upload_that_contradicts_itself_is_refused(
    upload: Upload, filename: str, content: bytes, fields: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InvalidUpload) as caught:
        upload(filename, content, **fields)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_form_without_a_file_is_refused() -> None:
    form = parse_form([(":action", "file_upload"), ("name", "foo"), ("version", "1.0")])
    with pytest.raises(InvalidUpload, match="has no file; the wheel or sdist should be sent as its part content"):
        receive(form, None, None, now=NOW)
