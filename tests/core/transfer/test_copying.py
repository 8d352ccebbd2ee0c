"""``pywharf copy``: between two repositories of one configuration."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.transfer.desk import Desk, named
from pywharf_core import changes
from pywharf_core.errors import FileAlreadyExists, FileNotFound
from pywharf_core.filenames import normalise
from pywharf_core.model import DistributionFile, ProjectStatus
from pywharf_core.names import Answerer
from pywharf_core.testing import make_upload

LONG_AGO = datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
PROVENANCE = b'{"version": 1, "attestation_bundles": []}'


@pytest.fixture
def published(desk: Desk, tmp_path: Path) -> DistributionFile:
    """``holygrail`` 1.0 in ``local``, with all that can be said of a file; ``swallow`` beside it."""
    with desk.open() as repositories:
        local = repositories["local"]
        local.synchronise()
        file, staged = make_upload(
            tmp_path / "a", upload_time=LONG_AGO, provenance=PROVENANCE, comment="by hand", summary="A cup", sdist=True
        )
        assert file.core_metadata is not None
        # As a form says of an sdist what its PKG-INFO does not.
        file = replace(file, core_metadata={**file.core_metadata, "license": "as the form said"})
        made = changes.publish(local, file, staged).file
        changes.publish(local, *make_upload(tmp_path / "b", "swallow", "1.0"))
        changes.yank(local, normalise("swallow"), "1.0", "")
    return made


def _known(file: DistributionFile) -> DistributionFile:
    """Without what is the storage's own."""
    return replace(file, storage_id="", counter=0, fingerprint="")


@pytest.mark.usefixtures("published")
def test_a_repository_is_copied_with_all_that_is_known_of_its_files(desk: Desk) -> None:
    result = desk.run("copy", "local", "other")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("2 files (")
    assert result.stdout.endswith(" copied into other; 0 already there, 0 refused.\n")
    before, after = desk.listed("local"), desk.listed("other")
    assert {name: _known(file) for name, file in after.items()} == {name: _known(file) for name, file in before.items()}
    with desk.open() as repositories:
        for name in after:
            metadata = repositories["other"].core_metadata(after[name])
            assert metadata == repositories["local"].core_metadata(before[name])
        assert repositories["other"].provenance(after["holygrail-1.0.tar.gz"]) == PROVENANCE
    second = desk.told("copy", "local", "other")
    assert (second["copied"], second["already_there"], second["complete"]) == (0, 2, True)
    assert desk.listed("other") == after


@pytest.mark.usefixtures("published")
def test_a_yank_of_later_follows_and_is_never_taken_back(desk: Desk) -> None:
    desk.told("copy", "local", "other")
    assert desk.run("yank", "local", "holygrail==1.0", "--reason", "Loses data").exit_code == 0
    assert desk.run("yank", "local", "swallow==1.0", "--undo").exit_code == 0
    assert desk.told("copy", "local", "other", "--dry_run")["already_there"] == 2
    assert desk.listed("other")["holygrail-1.0.tar.gz"].yanked is None
    desk.told("copy", "local", "other")
    marks = {file.project: file.yanked for file in desk.listed("other").values()}
    assert marks == {"holygrail": "Loses data", "swallow": ""}


@pytest.mark.usefixtures("published")
def test_status_and_reserved_names_come_along_and_deleted_files_are_told(desk: Desk, tmp_path: Path) -> None:
    assert desk.run("set_status", "local", "holygrail", "archived", "--reason", "See swallow").exit_code == 0
    with desk.open() as repositories:
        for project in ("gone", "malware"):
            changes.publish(repositories["local"], *make_upload(tmp_path / project, project, "1.0"))
        changes.delete(repositories["local"], normalise("gone"), version="1.0")
        changes.set_status(repositories["local"], normalise("malware"), ProjectStatus.QUARANTINED)
    answer = desk.told("copy", "local", "other")
    assert (answer["copied"], answer["refused"]) == (3, [])
    assert answer["warnings"] == [
        "What local remembers of 1 deleted file cannot be handed over: under such a name other content could be published "
        "here once. The projects' names stay reserved."
    ]
    archived, quarantined = desk.state("holygrail", "other"), desk.state("malware", "other")
    assert archived is not None
    assert quarantined is not None
    assert (archived.status, archived.reason) == (ProjectStatus.ARCHIVED, "See swallow")
    assert quarantined.status is ProjectStatus.QUARANTINED
    with desk.open() as repositories:
        assert repositories["other"].answer_for(normalise("gone")).answerer is Answerer.RESERVED
        repositories["other"].synchronise()  # what is told is what the storage keeps
        assert repositories["other"].answer_for(normalise("gone")).answerer is Answerer.RESERVED
        assert repositories["other"].project_list()[0] == ["holygrail", "swallow"]
        with pytest.raises(FileNotFound):
            repositories["other"].file(normalise("malware"), "malware-1.0-py3-none-any.whl")
    again = desk.told("copy", "local", "other")
    assert (again["copied"], again["already_there"], again["refused"]) == (0, 3, [])


@pytest.mark.usefixtures("published")
def test_what_is_closed_in_both_goes_on_to_be_copied_and_what_is_closed_there_alone_does_not(
    desk: Desk, tmp_path: Path
) -> None:
    desk.told("copy", "local", "other")
    for status in ("archived", "quarantined"):
        assert desk.run("set_status", "other", "holygrail", status).exit_code == 0
        with desk.open() as repositories:
            changes.publish(repositories["local"], *make_upload(tmp_path / status, version=f"1.0+{status}"))
        answer = desk.told("copy", "local", "other", status=1)
        assert list(named(answer, "refused").values()) == [f"The project holygrail is {status} and takes no uploads."]
        assert desk.run("set_status", "local", "holygrail", status).exit_code == 0
        assert desk.told("copy", "local", "other")["copied"] == 1
        assert desk.run("set_status", "local", "holygrail", "active").exit_code == 0


def test_files_of_a_quarantined_project_stay_away_where_it_is_not_quarantined(desk: Desk, tmp_path: Path) -> None:
    with desk.open() as repositories:
        for repository in repositories.values():
            repository.synchronise()
        changes.publish(repositories["local"], *make_upload(tmp_path / "x"))
        changes.set_status(repositories["local"], normalise("holygrail"), ProjectStatus.QUARANTINED)
        changes.publish(repositories["other"], *make_upload(tmp_path / "y", version="2.0"))
        changes.set_status(repositories["other"], normalise("holygrail"), ProjectStatus.DEPRECATED)
    answer = desk.told("copy", "local", "other", status=1)
    assert list(named(answer, "refused").values()) == [
        "The project holygrail is quarantined in the source and not here, so its files stay away."
    ]


@pytest.mark.usefixtures("published")
def test_a_status_of_its_own_stays(desk: Desk) -> None:
    desk.told("copy", "local", "other")
    assert desk.run("set_status", "other", "holygrail", "deprecated", "--reason", "ours").exit_code == 0
    assert desk.run("set_status", "local", "holygrail", "archived").exit_code == 0
    desk.told("copy", "local", "other")
    state = desk.state("holygrail", "other")
    assert state is not None
    assert (state.status, state.reason) == (ProjectStatus.DEPRECATED, "ours")


@pytest.mark.usefixtures("published")
def test_what_the_other_does_not_take_is_refused_alone(desk: Desk, tmp_path: Path) -> None:
    with desk.open() as repositories:
        changes.publish(repositories["local"], *make_upload(tmp_path / "x", "large", "1.0", padding=200_000))
        changes.publish(repositories["other"], *make_upload(tmp_path / "y", "swallow", "1.0", summary="ours"))
    answer = desk.told("copy", "local", "other", status=1)
    assert answer["copied"] == 1
    refused = named(answer, "refused")
    assert refused["local: large-1.0-py3-none-any.whl"].startswith("The file is larger than 100000 bytes")
    assert "File already exists" in refused["local: swallow-1.0-py3-none-any.whl"]
    with pytest.raises(FileAlreadyExists), desk.open() as repositories:
        changes.publish(repositories["other"], *make_upload(tmp_path / "z", "swallow", "1.0", summary="third"))


@pytest.mark.usefixtures("published")
def test_only_projects_that_are_asked_for_are_copied(desk: Desk) -> None:
    assert desk.told("copy", "local", "other", "--project", "swal*")["copied"] == 1
    assert set(desk.listed("other")) == {"swallow-1.0-py3-none-any.whl"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["local", "local"], "SOURCE and TARGET are the same repository; name another one."),
        (["local", "othr"], "There is no repository 'othr'; did you mean other? Configured: local, other."),
        (["nowhere", "other"], "There is no repository 'nowhere'"),
        (["local", "other", "--project", "a b"], "--project 'a b' is neither"),
    ],
)
def test_wrong_usage_is_one_sentence(desk: Desk, arguments: list[str], sentence: str) -> None:
    result = desk.run("copy", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr
