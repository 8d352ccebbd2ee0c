"""Uploads with attestations (PEP 740), against a sigstore instance made here; nothing asks the network."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from pypi_attestations import Provenance

from pywharf.attestations_sigstore import verifier_of
from pywharf_core import hookimpl, shared_secrets
from pywharf_core.errors import InvalidUpload, PluginError
from pywharf_core.model import ProjectStatus
from pywharf_core.plugins import Plugins
from pywharf_core.storage import StorageType
from pywharf_core.testing import make_sdist, make_wheel
from pywharf_core.testing.memory_storage import MemoryStorageType
from server.attestations_made_here import PUBLISH, SLSA, Sigstore, github_claims
from server.in_process import ADMIN_SECRET, OTHER_READER, READER, Application, application
from server.read_page import Page
from support.listing import ACCEPT_JSON

INTEGRITY = "application/vnd.pypi.integrity.v1+json"

_CONFIG = """
[local]
type = "{storage}"
read_secret = "reads"
write_secret = "writes"
trust_root = "{trust_root}"
trusted_publishers = [
  {{ kind = "gitlab", repository = "acme/tools/holygrail", workflow = ".gitlab-ci.yml" }},
  {{ kind = "github", repository = "Acme/HolyGrail", workflow = "release.yml", environment = "pypi" }},
  {{ kind = "github", repository = "acme/other", workflow = "other.yml", projects = ["other-*"] }},
]

[other]
type = "{storage}"
read_secret = "reads-other"
write_secret = "writes-other"
"""


class _Memory:
    @hookimpl
    def pywharf_storage_types(self) -> Sequence[type[StorageType]]:
        return [MemoryStorageType]


@pytest.fixture(scope="module")
def sigstore() -> Sigstore:
    return Sigstore()


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("verification asked the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def trust_root(tmp_path: Path, sigstore: Sigstore) -> Path:
    path = tmp_path / "trusted_root.json"
    path.write_text(sigstore.trusted_root())
    return path


@pytest.fixture
def config(trust_root: Path) -> str:
    return _CONFIG.format(storage="file_system", trust_root=trust_root)


@pytest.fixture
def app(tmp_path: Path, config: str) -> Iterator[Application]:
    with application(tmp_path / "root", config) as asked:
        yield asked


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return make_wheel(tmp_path / "dist", "HolyGrail", "1.0")


def attest(sigstore: Sigstore, file: Path, **how: Any) -> dict[str, Any]:
    content = {"name": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest(), **how}
    return sigstore.attestation(content.pop("name"), content.pop("sha256"), **content)


def address(file: Path, *, project: str = "holygrail", version: str = "1.0") -> str:
    return f"/integrity/{project}/{version}/{file.name}/provenance"


def refusal(answer: Response) -> str:
    """The sentence of an upload that was refused."""
    assert answer.status_code == 400, answer.text
    sentence = answer.text.splitlines()[0]
    assert sentence.endswith(".")
    return sentence


def listed(app: Application, page: str) -> dict[str, Any]:
    answer = app.get(page, headers=ACCEPT_JSON)
    assert answer.status_code == 200
    only: dict[str, Any] = answer.json()["files"][0]
    return only


# --- good ones ------------------------------------------------------------------------------------------------


def test_a_good_attestation_is_kept_and_served(app: Application, wheel: Path, sigstore: Sigstore) -> None:
    sent = attest(sigstore, wheel)
    answer = app.upload(wheel, attestations=json.dumps([sent]))
    assert (answer.status_code, answer.text) == (200, f"{wheel.name} was published.\n")
    served = app.get(address(wheel))
    assert served.status_code == 200
    assert served.headers["content-type"] == INTEGRITY
    assert served.headers["cache-control"] == "private, no-cache"
    assert served.json()["version"] == 1
    (bundle,) = served.json()["attestation_bundles"]
    assert bundle["publisher"] == {
        "kind": "GitHub",
        "claims": {"ref": "refs/tags/v1.0", "sha": github_claims()["13"]},
        "repository": "Acme/HolyGrail",
        "workflow": "release.yml",
        "environment": "pypi",
    }
    ours, theirs = bundle["attestations"][0], sent
    assert {key: _joined(value) for key, value in ours["envelope"].items()} == theirs["envelope"]
    assert (
        ours["verification_material"]["transparency_entries"] == theirs["verification_material"]["transparency_entries"]
    )
    model = Provenance.model_validate_json(served.content)  # what clients read it with
    assert model.attestation_bundles[0].attestations[0].statement["predicateType"] == PUBLISH


def _joined(text: str) -> str:
    """Base64 without its line breaks, which the format's own tools put in."""
    return text.replace("\n", "")


def test_both_kinds_of_attestation_are_kept_and_those_of_one_publisher_together(
    app: Application, tmp_path: Path, sigstore: Sigstore
) -> None:
    sdist = make_sdist(tmp_path / "dist", "HolyGrail", "1.0")
    both = [attest(sigstore, sdist), attest(sigstore, sdist, predicate_type=SLSA)]
    assert app.upload(sdist, attestations=json.dumps(both)).status_code == 200
    (bundle,) = app.get(address(sdist)).json()["attestation_bundles"]
    assert len(bundle["attestations"]) == 2


def test_attestations_of_two_publishers_are_kept_apart(app: Application, wheel: Path, sigstore: Sigstore) -> None:
    uri = "https://gitlab.com/acme/tools/holygrail"
    gitlab = {"8": "https://gitlab.com", "12": uri, "13": "c0", "14": "v1", "18": f"{uri}//.gitlab-ci.yml@c0"}
    both = [attest(sigstore, wheel), attest(sigstore, wheel, predicate_type=SLSA, claims=gitlab)]
    assert app.upload(wheel, attestations=json.dumps(both)).status_code == 200
    bundles = app.get(address(wheel)).json()["attestation_bundles"]
    assert [bundle["publisher"]["kind"] for bundle in bundles] == ["GitHub", "GitLab"]
    assert bundles[1]["publisher"]["workflow_filepath"] == ".gitlab-ci.yml"


def test_keys_that_nobody_verified_are_not_served(app: Application, wheel: Path, sigstore: Sigstore) -> None:
    sent = {**attest(sigstore, wheel), "smuggled": "<script>"}
    assert app.upload(wheel, attestations=json.dumps([sent])).status_code == 200
    assert "smuggled" not in app.get(address(wheel)).text


def test_the_subject_may_be_spelled_otherwise(app: Application, wheel: Path, sigstore: Sigstore) -> None:
    name = wheel.name.replace("holygrail-1.0-", "HolyGrail-1.0-")
    assert name != wheel.name
    assert app.upload(wheel, attestations=json.dumps([attest(sigstore, wheel, name=name)])).status_code == 200


def test_an_upload_without_attestations_has_no_provenance(app: Application, wheel: Path) -> None:
    assert app.upload(wheel).status_code == 200
    assert app.get(address(wheel)).status_code == 404
    assert "provenance" not in listed(app, "https://testserver/simple/holygrail/")


def test_attestations_of_a_file_that_is_there_are_not_added_and_that_is_said(
    app: Application, wheel: Path, sigstore: Sigstore
) -> None:
    assert app.upload(wheel).status_code == 200
    field = json.dumps([attest(sigstore, wheel)])
    answer = app.upload(wheel, attestations=field)
    assert answer.status_code == 200
    assert "attestations were not added" in answer.text
    assert app.get(address(wheel)).status_code == 404


def test_the_same_upload_again_is_the_same(app: Application, wheel: Path, sigstore: Sigstore) -> None:
    field = json.dumps([attest(sigstore, wheel)])
    assert app.upload(wheel, attestations=field).status_code == 200
    answer = app.upload(wheel, attestations=field)
    assert (answer.status_code, "not added" in answer.text) == (200, False)


@pytest.mark.parametrize("storage", ["file_system", "memory"])
def test_provenance_survives_that_the_index_is_lost(
    storage: str, tmp_path: Path, trust_root: Path, wheel: Path, sigstore: Sigstore
) -> None:
    plugins = Plugins.of(_Memory(), shared_secrets) if storage == "memory" else None
    config = _CONFIG.format(storage=storage, trust_root=trust_root)
    admin_secret = ADMIN_SECRET.replace("file_system", storage)
    with application(tmp_path / "root", config, admin_secret, plugins=plugins) as app:
        assert app.upload(wheel, attestations=json.dumps([attest(sigstore, wheel)])).status_code == 200
        before = app.get(address(wheel))
        folder = app.root.index_database("local").parent
    shutil.rmtree(folder)
    with application(tmp_path / "root", None, plugins=plugins) as app:
        after = app.get(address(wheel))
        assert after.status_code == 200
        assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])
        assert "provenance" in listed(app, "https://testserver/simple/holygrail/")


# --- announced and served -------------------------------------------------------------------------------------


@pytest.fixture
def attested_wheel(app: Application, wheel: Path, sigstore: Sigstore) -> Path:
    assert app.upload(wheel, attestations=json.dumps([attest(sigstore, wheel)])).status_code == 200
    return wheel


def test_the_page_for_people_leads_to_the_provenance(app: Application, attested_wheel: Path) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    links = Page(app.get("/project/holygrail/", headers=browser)).links()
    [found] = [link for link, text in links.items() if text == "provenance"]
    assert found == f"/r/local{address(attested_wheel)}"
    assert app.get(found, headers=browser).status_code == 200


@pytest.mark.parametrize("selection", ["", "/r/local"])
def test_pages_announce_provenance_at_the_address_by_which_the_client_came(
    app: Application, attested_wheel: Path, selection: str
) -> None:
    for origin in ("https://packages.acme.example", "https://[2001:db8::1]:8443", "https://packages.acme.example"):
        page = f"{origin}{selection}/simple/holygrail/"
        announced = listed(app, page)["provenance"]
        assert announced == f"{origin}{selection}{address(attested_wheel)}"
        assert app.get(announced).status_code == 200
        assert f'data-provenance="{announced}"' in app.get(page, headers={"Accept": "text/html"}).text


@pytest.mark.usefixtures("attested_wheel")
def test_nothing_is_announced_over_plain_http_whatever_was_asked_before(app: Application) -> None:
    assert "provenance" in listed(app, "https://testserver/simple/holygrail/")
    assert "provenance" not in listed(app, "http://testserver/simple/holygrail/")
    assert "data-provenance" not in app.get("/simple/holygrail/").text


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, INTEGRITY),
        ("", INTEGRITY),
        ("*/*", INTEGRITY),
        ("application/*", INTEGRITY),
        ("application/json", "application/json"),
        (f"{INTEGRITY};q=0.1, application/json", "application/json"),
        (f"{INTEGRITY};q=0, */*", "application/json"),
        ("text/html", None),
        ("application/*;q=0, */*", None),
    ],
)
def test_provenance_is_sent_as_the_client_wants_it(
    app: Application, attested_wheel: Path, accept: str | None, content_type: str | None
) -> None:
    answer = app.get(address(attested_wheel), headers={} if accept is None else {"Accept": accept})
    assert answer.status_code == (406 if content_type is None else 200)
    assert "Accept" in answer.headers["vary"]
    if content_type is not None:
        assert answer.headers["content-type"] == content_type


def test_head_and_if_none_match_are_answered(app: Application, attested_wheel: Path) -> None:
    whole = app.get(address(attested_wheel))
    head = app.get(address(attested_wheel), method="HEAD")
    assert head.content == b""
    assert {**head.headers, "x-request-id": ""} == {**whole.headers, "x-request-id": ""}
    again = app.get(address(attested_wheel), headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_provenance_is_found_by_every_spelling_of_project_and_version(app: Application, attested_wheel: Path) -> None:
    assert app.get(address(attested_wheel, project="HolyGrail", version="1.0.0")).status_code == 200
    assert app.get(address(attested_wheel, version="1.1")).status_code == 404
    assert app.get(address(attested_wheel, version="one")).status_code == 404
    assert app.get(address(attested_wheel, project="grail")).status_code == 404


def test_only_readers_of_the_repository_get_provenance(app: Application, attested_wheel: Path) -> None:
    assert app.get(address(attested_wheel), None).status_code == 401
    assert app.get(address(attested_wheel), ("local", "wrong")).status_code == 401
    assert app.get(address(attested_wheel), OTHER_READER).status_code == 404
    assert app.get(f"/r/local{address(attested_wheel)}", ("__token__", READER[1])).status_code == 200


# --- bad ones -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        (github_claims("mallory/holygrail"), "none of them"),
        (github_claims("acme/other", "other.yml"), "none of them"),
        (github_claims(workflow="evil.yml"), "none of them"),
        (github_claims(_18=None), "none of them"),
        (github_claims(_23="testing"), "in the environment testing"),
        (github_claims(_23=None), "none of them"),
        (github_claims(_20="pull_request_target"), "none of them"),
        (github_claims(_8="https://issuer.invalid"), "none of them"),
        ({}, "somebody who is no workflow"),
    ],
)
def test_the_wrong_identity_is_refused(
    app: Application, wheel: Path, sigstore: Sigstore, claims: dict[str, str], reason: str
) -> None:
    answer = app.upload(wheel, attestations=json.dumps([attest(sigstore, wheel, claims=claims)]))
    sentence = refusal(answer)
    assert reason in sentence
    assert "no trusted publisher of holygrail in the repository local" in sentence
    assert app.listed("holygrail") == {}


def test_a_publisher_is_trusted_with_its_own_projects_only(
    app: Application, tmp_path: Path, sigstore: Sigstore
) -> None:
    claims = github_claims("acme/other", "other.yml")
    for name, status in (("other-tool", 200), ("another", 400)):
        file = make_wheel(tmp_path / "dist", name, "1.0")
        assert app.upload(file, attestations=json.dumps([attest(sigstore, file, claims=claims)])).status_code == status


def test_another_file_is_refused(app: Application, wheel: Path, sigstore: Sigstore) -> None:
    name = json.dumps([attest(sigstore, wheel, name="holygrail-1.1-py3-none-any.whl")])
    assert "'holygrail-1.1-py3-none-any.whl'" in refusal(app.upload(wheel, attestations=name))
    digest = json.dumps([attest(sigstore, wheel, sha256="0" * 64)])
    assert "0000" in refusal(app.upload(wheel, attestations=digest))
    assert app.listed("holygrail") == {}


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("[]", "empty"),
        ("{}", "not a JSON array"),
        ("[1]", "not a JSON array"),
        ("grail", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[{}]", "does not verify"),
        ("[{}, {}, {}]", "one or two"),
        (json.dumps(["x" * 1024 * 1024]), "characters long"),
    ],
)
def test_what_is_no_list_of_attestations_is_refused(app: Application, wheel: Path, field: str, reason: str) -> None:
    assert reason in refusal(app.upload(wheel, attestations=field))
    assert app.listed("holygrail") == {}


def test_a_third_attestation_is_refused(app: Application, wheel: Path, sigstore: Sigstore) -> None:
    three = [attest(sigstore, wheel, predicate_type=predicate_type) for predicate_type in (PUBLISH, SLSA, PUBLISH)]
    assert "There are 3 attestations" in refusal(app.upload(wheel, attestations=json.dumps(three)))


def test_two_of_one_predicate_type_are_refused(app: Application, wheel: Path, sigstore: Sigstore) -> None:
    two = [attest(sigstore, wheel), attest(sigstore, wheel)]
    assert "Two attestations have" in refusal(app.upload(wheel, attestations=json.dumps(two)))


def test_an_unknown_predicate_type_is_refused(app: Application, wheel: Path, sigstore: Sigstore) -> None:
    one = attest(sigstore, wheel, predicate_type="https://acme.example/said")
    assert "'https://acme.example/said' is not known" in refusal(app.upload(wheel, attestations=json.dumps([one])))


@pytest.mark.parametrize(
    "statement",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"subject": []},
        {"subject": [{"name": "a", "digest": {"sha256": "b"}}] * 2},
        {"subject": [{"name": "a", "digest": {"sha512": "b"}}]},
        {"predicateType": None},
    ],
)
def test_a_statement_that_is_not_about_one_file_is_refused(
    app: Application, wheel: Path, sigstore: Sigstore, statement: dict[str, Any]
) -> None:
    one = attest(sigstore, wheel, statement=statement)
    assert "attestation" in refusal(app.upload(wheel, attestations=json.dumps([one])))


def test_an_attestation_of_another_sigstore_instance_is_refused(app: Application, wheel: Path) -> None:
    assert "does not verify" in refusal(app.upload(wheel, attestations=json.dumps([attest(Sigstore(), wheel)])))


def test_a_signature_logged_after_its_certificate_expired_is_refused(
    app: Application, wheel: Path, sigstore: Sigstore
) -> None:
    late = attest(sigstore, wheel, logged_after=timedelta(minutes=11))
    assert "does not verify" in refusal(app.upload(wheel, attestations=json.dumps([late])))


def test_a_repository_that_trusts_nobody_refuses_attestations_and_names_the_key(
    app: Application, wheel: Path, sigstore: Sigstore
) -> None:
    field = json.dumps([attest(sigstore, wheel)])
    sentence = refusal(app.upload(wheel, ("other", "writes-other"), attestations=field))
    assert "trusts no publisher of holygrail" in sentence
    assert "trusted_publishers" in sentence


def test_without_the_extra_attestations_are_refused_and_the_extra_is_named(
    app: Application, wheel: Path, sigstore: Sigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypi_attestations", None)
    monkeypatch.delitem(sys.modules, "pywharf.attestations_sigstore", raising=False)
    field = json.dumps([attest(sigstore, wheel)])
    sentence = refusal(app.upload(wheel, attestations=field))
    assert "pip install pywharf[attestations]" in sentence
    assert "--no-attestations" in sentence
    assert app.listed("holygrail") == {}
    assert app.upload(wheel).status_code == 200


# --- every link of the chain -----------------------------------------------------------------------------------


def test_whatever_is_changed_in_an_attestation_it_no_longer_verifies(trust_root: Path, sigstore: Sigstore) -> None:
    verifier = verifier_of(trust_root)
    sent = sigstore.attestation("holygrail-1.0.tar.gz", "0" * 64)
    another = sigstore.attestation("holygrail-1.0.tar.gz", "1" * 64)
    assert verifier.verified(sent).document["version"] == 1

    def changed(*path: str | int, value: object) -> dict[str, Any]:
        copy: dict[str, Any] = json.loads(json.dumps(sent))
        place: Any = copy
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        return copy

    entry = ("verification_material", "transparency_entries")
    theirs = another["verification_material"]["transparency_entries"][0]
    ours = sent["verification_material"]["transparency_entries"][0]
    wrong = [
        changed("version", value=2),
        changed("envelope", "statement", value=another["envelope"]["statement"]),
        changed("envelope", "signature", value=another["envelope"]["signature"]),
        changed("verification_material", "certificate", value=another["verification_material"]["certificate"]),
        changed("verification_material", "certificate", value="AAAA"),
        changed(*entry, value=[]),
        changed(*entry, value=[theirs]),
        changed(*entry, value=[ours, theirs]),
        changed(*entry, 0, "integratedTime", value=str(int(ours["integratedTime"]) + 1)),
        changed(*entry, 0, "inclusionPromise", value=theirs["inclusionPromise"]),
        changed(*entry, 0, "inclusionProof", value=theirs["inclusionProof"]),
        changed(*entry, 0, "canonicalizedBody", value=theirs["canonicalizedBody"]),
    ]
    for attestation in wrong:
        with pytest.raises(InvalidUpload, match="does not verify"):
            verifier.verified(attestation)


def test_the_public_instance_is_trusted_from_inside_the_library(sigstore: Sigstore) -> None:
    public = verifier_of(None)
    with pytest.raises(InvalidUpload, match="does not verify"):
        public.verified(sigstore.attestation("holygrail-1.0.tar.gz", "0" * 64))


def test_a_trust_root_that_was_replaced_is_read_anew(tmp_path: Path, sigstore: Sigstore) -> None:
    path = tmp_path / "trusted_root.json"
    path.write_text('{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}')
    with pytest.raises(PluginError, match="trust root"):
        verifier_of(path)
    (tmp_path / "new").write_text(sigstore.trusted_root())
    (tmp_path / "new").replace(path)
    assert verifier_of(path).verified(sigstore.attestation("holygrail-1.0.tar.gz", "0" * 64)).statement


def test_a_quarantined_project_shows_no_provenance(app: Application, attested_wheel: Path) -> None:
    answer = app.client.post(
        "/manage/holygrail/status",
        data={"status": ProjectStatus.QUARANTINED.value},
        headers={"Authorization": "Basic bG9jYWw6d3JpdGVz"},
    )
    assert answer.status_code in (200, 303)
    assert app.get(address(attested_wheel)).status_code == 404
