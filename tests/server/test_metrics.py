"""``GET /metrics``: what it counts, what it never tells, and to whom."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from pywharf_core.testing import make_wheel
from server.in_process import ADMINISTRATOR, OTHER_READER, READER, WRITER, Application, application
from support.initialised import initialise
from support.running_server import PYWHARF, running_server, wait_until

LOOPBACK = "127.0.0.1"

Sample = tuple[str, frozenset[tuple[str, str]]]


def samples(text: str) -> Mapping[Sample, float]:
    """Values by name and labels, as Prometheus reads them."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def measured(app: Application) -> Mapping[Sample, float]:
    answer = app.get("/metrics", ADMINISTRATOR)
    assert answer.status_code == 200, answer.text
    return samples(answer.text)


def sample(name: str, **labels: str) -> Sample:
    return name, frozenset(labels.items())


def answered(route: str, status: str, method: str = "GET") -> Sample:
    return sample("pywharf_http_requests_total", route=route, method=method, status=status)


def test_requests_are_counted_by_route_method_and_status(app: Application, holygrail: Path) -> None:
    for _ in range(3):
        app.get("/simple/holygrail/")
    app.get("/simple/holygrail/", ("local", "wrong"))
    app.get(f"/r/local/simple/holygrail/{holygrail.name}", method="HEAD")
    app.get("/nowhere")
    found = measured(app)
    assert found[answered("/simple/{project}/", "200")] == 3
    assert found[answered("/simple/{project}/", "401")] == 1
    assert found[answered("/simple/{project}/{filename}", "200", "HEAD")] == 1
    assert found[answered("none", "404")] == 1
    seconds = {"route": "/simple/{project}/", "method": "GET"}
    assert found[sample("pywharf_http_request_duration_seconds_count", **seconds)] == 4
    assert found[sample("pywharf_http_request_duration_seconds_bucket", le="+Inf", **seconds)] == 4
    assert 0 < found[sample("pywharf_http_request_duration_seconds_sum", **seconds)] < 60
    assert found[sample("pywharf_http_requests_in_flight")] == 1, "this very request"


def test_an_upload_is_counted_by_what_became_of_it(app: Application, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "first", "holygrail", "1.0")
    assert [app.upload(wheel).status_code for _ in range(2)] == [200, 200]
    other = make_wheel(tmp_path / "second", "holygrail", "1.0", padding=9)
    assert [app.upload(other).status_code, app.upload(other, READER).status_code] == [409, 403]
    assert app.upload(other, version="2.0").status_code == 400
    found = measured(app)
    outcomes = "pywharf_repository_uploads_total"
    assert found[sample(outcomes, repository="local", outcome="published")] == 1
    assert found[sample(outcomes, repository="local", outcome="unchanged")] == 1
    for error in ("file_already_exists", "not_permitted", "invalid_upload"):
        assert found[sample("pywharf_http_errors_total", route="/simple/", method="POST", error=error)] == 1
    size = wheel.stat().st_size
    assert found[sample("pywharf_repository_received_bytes_total", repository="local")] == 2 * size


def test_bytes_of_downloads_are_counted(app: Application, holygrail: Path) -> None:
    app.get(f"/simple/holygrail/{holygrail.name}")
    found = measured(app)
    size = holygrail.stat().st_size
    route = {"route": "/simple/{project}/{filename}", "method": "GET"}
    assert found[sample("pywharf_http_response_bytes_total", **route)] == size
    assert found[sample("pywharf_repository_sent_bytes_total", repository="local")] >= size


def test_it_says_how_each_repository_is_doing(app: Application, holygrail: Path) -> None:
    found = measured(app)
    assert found[sample("pywharf_repository_files", repository="local")] == 2
    assert found[sample("pywharf_repository_projects", repository="local")] == 1
    assert found[sample("pywharf_repository_files", repository="other")] == 1
    assert found[sample("pywharf_repository_synchronisation_ok", repository="local")] == 1
    assert 0 <= found[sample("pywharf_repository_index_age_seconds", repository="local")] < 60
    assert found[sample("pywharf_repository_pending_changes", repository="local")] == 0
    took = {"repository": "local", "result": "ok"}
    assert found[sample("pywharf_synchronisation_duration_seconds_count", **took)] >= 1
    assert found[sample("pywharf_repositories", state="ready")] == 2


def test_a_storage_that_is_gone_shows(tmp_path: Path) -> None:
    config = '[local]\ntype = "file_system"\nread_secret = "reads"\nsync_index_interval = 0.05\n'
    with application(tmp_path / "root", config, metrics_from=("192.0.2.0/24",)) as app:
        shutil.rmtree(app.store())
        wait_until(
            lambda: measured(app)[sample("pywharf_repository_synchronisation_ok", repository="local")] == 0,
            "the failure shows",
        )
        found = measured(app)
        assert found[sample("pywharf_repositories", state="failing")] == 1
        failed = {"repository": "local", "result": "failed"}
        assert found[sample("pywharf_synchronisation_duration_seconds_count", **failed)] >= 1
        assert app.get("/simple/unknown/").status_code == 503
        kind = {"route": "/simple/{project}/", "method": "GET", "error": "not_synchronised"}
        assert measured(app)[sample("pywharf_http_errors_total", **kind)] == 1


def test_no_label_tells_of_a_project_a_user_or_an_address(app: Application, holygrail: Path) -> None:
    for path in ("/simple/holygrail/", f"/simple/holygrail/{holygrail.name}", "/simple/secretproject/"):
        app.get(path)
    app.get("/simple/holygrail/", ("nosuchrepository", "guess"))
    text = app.get("/metrics", ADMINISTRATOR).text
    for word in ("holygrail", "secretproject", "nosuchrepository", "192.0.2.1", "guess", "reads", "administers"):
        assert word not in text.lower()


def test_methods_that_nobody_knows_are_counted_as_one(app: Application) -> None:
    for number in range(5):
        app.get("/simple/", method=f"BREW{number}")
    found = measured(app)
    assert found[answered("/simple/", "405", "other")] == 5
    assert not any(value.startswith("BREW") for _, labels in found for _, value in labels)


def test_open_metrics_are_sent_to_who_wants_them_more(app: Application) -> None:
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"
    answer = app.get("/metrics", ADMINISTRATOR, headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    read = openmetrics.text_string_to_metric_families(answer.text)  # type: ignore[no-untyped-call]  # it says no types
    families = {family.name for family in read}
    assert {"pywharf_http_requests", "pywharf_build", "pywharf_repository_files"} <= families
    for plain in ("*/*", "text/plain", "nonsense;;,version=", "application/openmetrics-text;q=0"):
        answer = app.get("/metrics", ADMINISTRATOR, headers={"Accept": plain})
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


# --- who may read it --------------------------------------------------------------------------------------


def test_strangers_and_readers_are_told_nothing(app: Application) -> None:
    for credentials in (None, READER, WRITER, OTHER_READER, ("local", "guess"), ("nosuch", "administers")):
        answer = app.get("/metrics", credentials)
        assert answer.status_code == 401
        assert "pywharf_" not in answer.text
        assert answer.headers["www-authenticate"].startswith("Basic")
    assert app.get("/metrics", ("other", "administers")).status_code == 401  # it has no admin secret


def test_the_machine_itself_is_told_no_names(tmp_path: Path) -> None:
    with application(tmp_path / "root", client_address=LOOPBACK) as app:
        answer = app.get("/metrics", None)
        assert answer.status_code == 200
        assert samples(answer.text)[sample("pywharf_repositories", state="ready")] == 2
        assert "repository=" not in answer.text
        assert "repository=" in app.get("/metrics", ADMINISTRATOR).text
        assert app.get("/metrics", ("local", "wrong")).status_code == 401


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_behind_a_proxy_nobody_counts_as_the_machine_itself(tmp_path: Path, header: str) -> None:
    with application(tmp_path / "root", client_address=LOOPBACK, metrics_from=("127.0.0.1",)) as app:
        assert app.get("/metrics", None).status_code == 200
        assert app.get("/metrics", None, headers={header: "127.0.0.1"}).status_code == 401


def test_addresses_that_the_operator_named_are_told_all(tmp_path: Path) -> None:
    with application(tmp_path / "root", client_address="10.1.2.3", metrics_from=("10.0.0.0/8",)) as app:
        answer = app.get("/metrics", None)
        assert sample("pywharf_repository_files", repository="local") in samples(answer.text)
    with application(tmp_path / "root", client_address="11.1.2.3", metrics_from=("10.0.0.0/8",)) as app:
        assert app.get("/metrics", None).status_code == 401


@pytest.mark.parametrize(("told", "status"), [("10.1.2.3", 200), ("192.0.2.7", 401), ("127.0.0.1", 401)])
def test_a_trusted_proxy_tells_who_asks(tmp_path: Path, told: str, status: int) -> None:
    settings: dict[str, Any] = {"trusted_proxies": ("127.0.0.1",), "metrics_from": ("10.0.0.0/8",)}
    with application(tmp_path / "root", client_address=LOOPBACK, **settings) as app:
        assert app.get("/metrics", None, headers={"X-Forwarded-For": told}).status_code == status


@pytest.mark.slow
def test_what_is_no_address_is_refused_at_the_start(tmp_path: Path) -> None:
    command = [PYWHARF, "server", str(tmp_path / "root"), "--metrics_from", "everybody"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--metrics_from 'everybody' is neither an address nor a network" in done.stderr


def test_guessing_is_slowed_and_who_knows_the_secret_is_not(app: Application) -> None:
    assert app.get("/metrics", ADMINISTRATOR).status_code == 200
    guesses = [app.get("/metrics", ("local", f"guess {number}")).status_code for number in range(40)]
    assert guesses[:10] == [401] * 10
    assert guesses[-10:] == [429] * 10
    assert app.get("/metrics", ADMINISTRATOR).status_code == 200


def test_a_server_without_a_configuration_has_metrics(tmp_path: Path) -> None:
    with application(tmp_path / "root", None, client_address=LOOPBACK, ready=False) as app:
        answer = app.get("/metrics", None)
        assert samples(answer.text)[sample("pywharf_repositories", state="unread")] == 0


def test_names_of_former_repositories_are_forgotten(app: Application) -> None:
    app.get("/simple/", OTHER_READER)
    assert 'repository="other"' in app.get("/metrics", ADMINISTRATOR).text
    files = {"config": '[local]\ntype = "file_system"\nread_secret = "reads"\n'}
    admin = {"admin_secret": '[local]\ntype = "file_system"\nraw = "administers"\n'}
    assert app.client.post("/initialize/", data={**files, **admin}, auth=ADMINISTRATOR).status_code == 200
    text = app.get("/metrics", ADMINISTRATOR).text
    assert 'repository="local"' in text
    assert "other" not in text.replace('method="other"', "")


# --- several processes ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_workers_are_added_up_and_no_sum_ever_falls(tmp_path: Path) -> None:
    made = initialise(tmp_path / "root")
    page = answered("/simple/", "200")
    last: dict[Sample, float] = {}
    with running_server(made.root, "--workers", "3", "--extra_index_url", "", "--metrics_from", "127.0.0.1") as server:

        def now() -> Mapping[Sample, float]:
            answer = server.ask("/metrics")
            assert answer.status == 200, answer.text
            found = samples(answer.text)
            for name, value in found.items():
                if name[0].endswith(("_total", "_bucket", "_count", "_sum")):
                    assert value >= last.get(name, 0), name
                    last[name] = value
            return found

        for _ in range(60):
            assert server.ask("/simple/", made.reader).status == 200
        wait_until(lambda: now().get(page) == 60, "all 60 requests are counted")
        assert now()[sample("pywharf_workers")] == 3
        assert now()[sample("pywharf_worker_starts_total")] == 3

        os.kill(min(server.workers()), signal.SIGKILL)
        wait_until(lambda: now()[sample("pywharf_worker_starts_total")] == 4, "a worker was replaced")
        wait_until(lambda: now()[sample("pywharf_workers")] == 3, "three workers live")
        assert now()[page] == 60
    with running_server(made.root, "--extra_index_url", "", "--metrics_from", "127.0.0.1") as server:
        assert now()[page] == 60, "a restart forgets nothing"
        assert now()[sample("pywharf_workers")] == 1
