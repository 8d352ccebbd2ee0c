"""Whose attestation it is, without any cryptography."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.utils import canonicalize_name

from pywharf.attestations_identity import Claim, Claims, claims_of, publisher_document, publishers_of, why_not
from pywharf_core.config.trusted_publishers import TrustedPublisher

_ARC = "1.3.6.1.4.1.57264.1."
_GITHUB = "https://github.com/acme/holygrail"


def publisher(**changed: Any) -> TrustedPublisher:
    return TrustedPublisher(**{"kind": "github", "repository": "acme/holygrail", "workflow": "release.yml", **changed})


def claims(**changed: str) -> Claims:
    usual = {
        "ISSUER": "https://token.actions.githubusercontent.com",
        "REPOSITORY_URI": _GITHUB,
        "COMMIT": "c0ffee",
        "REF": "refs/tags/v1@2",
        "REPOSITORY_ID": "1234",
        "WORKFLOW_URI": f"{_GITHUB}/.github/workflows/release.yml@refs/tags/v1@2",
        "TRIGGER": "push",
    }
    return {Claim[name]: value for name, value in {**usual, **changed}.items()}


def test_a_run_of_the_workflow_is_the_publishers() -> None:
    assert why_not(publisher(), claims()) is None
    assert why_not(publisher(), claims(WORKFLOW_URI=f"{_GITHUB}/.github/workflows/release.yml@c0ffee")) is None
    assert why_not(publisher(repository="ACME/HolyGrail"), claims()) is None, "the service ignores case there"
    assert why_not(publisher(repository_id="1234", environment="PyPI"), claims(ENVIRONMENT="pypi")) is None


@pytest.mark.parametrize(
    ("trusted", "certified", "reason"),
    [
        ({}, {"ISSUER": "https://gitlab.com"}, "issued by https://token.actions.githubusercontent.com"),
        ({}, {"REPOSITORY_URI": "https://github.com/mallory/holygrail"}, "acme/holygrail"),
        ({}, {"REPOSITORY_URI": "https://github.com/acme/holygrail-2"}, "acme/holygrail"),
        ({}, {"REPOSITORY_URI": "https://evil.example/acme/holygrail"}, "acme/holygrail"),
        ({"repository_id": "1"}, {}, "the id 1"),
        ({"workflow": "elease.yml"}, {}, "elease.yml"),
        ({}, {"WORKFLOW_URI": f"{_GITHUB}/.github/workflows/release.yml@refs/heads/main"}, "release.yml"),
        ({}, {"WORKFLOW_URI": f"{_GITHUB}/.github/workflows/release.yml"}, "release.yml"),
        ({}, {"WORKFLOW_URI": "https://github.com/mallory/x/.github/workflows/release.yml@c0ffee"}, "release.yml"),
        ({}, {"TRIGGER": "pull_request_target"}, "never trusted"),
        ({"environment": "pypi"}, {}, "pypi"),
        ({"environment": "pypi"}, {"ENVIRONMENT": "pypi-test"}, "pypi"),
    ],
)
def test_anything_else_is_not_and_the_reason_says_what_would_be(
    trusted: dict[str, str], certified: dict[str, str], reason: str
) -> None:
    why = why_not(publisher(**trusted), claims(**certified))
    assert why is not None
    assert reason in why


def test_a_certificate_that_says_nothing_is_nobodys() -> None:
    assert why_not(publisher(), {}) is not None


def test_servers_of_ones_own_issue_identities_below_their_address() -> None:
    server = "https://git.acme.example"
    github = publisher(server=server)
    uri = f"{server}/acme/holygrail"
    workflow = f"{uri}/.github/workflows/release.yml@c0ffee"
    issued = claims(ISSUER=f"{server}/_services/token", REPOSITORY_URI=uri, WORKFLOW_URI=workflow)
    assert why_not(github, issued) is None
    assert why_not(github, claims()) is not None
    assert why_not(publisher(), issued) is not None
    assert publisher_document(github, issued)["server"] == server
    gitlab = publisher(kind="gitlab", server=server, workflow="ci/release.yml", issuer="https://login.acme.example")
    issued = claims(
        ISSUER="https://login.acme.example", REPOSITORY_URI=uri, WORKFLOW_URI=f"{uri}//ci/release.yml@c0ffee"
    )
    assert why_not(gitlab, issued) is None


def test_globs_choose_the_projects_of_a_publisher() -> None:
    everything, some = publisher(), publisher(projects=("Acme_*", "grail"))
    for name, trusted in (("acme-tools", 2), ("grail", 2), ("grails", 1)):
        assert len(publishers_of([everything, some], canonicalize_name(name))) == trusted


def test_claims_are_read_from_the_certificates_extensions() -> None:
    long = "https://" + "a" * 300
    extensions = [
        (f"{_ARC}8", b"\x0c\x03abc"),
        (f"{_ARC}12", b"\x0c\x82\x01\x34" + long.encode()),
        (f"{_ARC}2", b"push"),  # of the old kind, without DER
        ("2.5.29.17", b"\xff"),
    ]
    assert claims_of(extensions) == {Claim.ISSUER: "abc", Claim.REPOSITORY_URI: long}


@pytest.mark.parametrize(
    "content", [b"", b"\x0c", b"\x0c\x05abc", b"\x0c\x02abc", b"\x13\x03abc", b"\x0c\x84\x01", b"\x0c\x01\xff"]
)
def test_a_claim_that_is_no_utf8_string_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        claims_of([(f"{_ARC}8", content)])
