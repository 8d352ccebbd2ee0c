"""The page on monitoring: Prometheus takes its files, its alerts fire, and what it says of logs is so."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from docs.code_blocks import DOCS, titled_blocks
from pywharf.metric_families import families
from support.access_log import access_log
from support.debian_programs import debian_program
from support.initialised import initialise
from support.running_server import wait_until
from support.served import free_port
from support.shell_blocks import commands
from support.terminal import Terminal, words_for

PAGE = DOCS / "how-to/monitoring.md"
BLOCKS = titled_blocks("how-to/monitoring.md")

_SLOW = '{route="/simple/{project}/",method="GET",le="%s"}'

#: Series under which each alert fires, an hour of one value a minute.
FIRING: Mapping[str, Mapping[str, str]] = {
    "PywharfDown": {'up{job="pywharf"}': "0x60"},
    "PywharfStorageFails": {'pywharf_repositories{state="failing"}': "1x60"},
    "PywharfIndexOld": {"pywharf_oldest_index_age_seconds": "1000+60x60"},
    "PywharfChangesWait": {'pywharf_repository_oldest_pending_change_age_seconds{repository="local"}': "1000+60x60"},
    "PywharfStorageErrors": {"pywharf_storage_errors_total": "0+1x60"},
    "PywharfBug": {"pywharf_unforeseen_errors_total": "0x50 1x10"},
    "PywharfGuessing": {"pywharf_slowed_requests_total": "0+5x60"},
    "PywharfWorkersDie": {"pywharf_worker_starts_total": "1+1x60"},
    "PywharfSlow": {
        f"pywharf_http_request_duration_seconds_bucket{_SLOW % 1.0}": "0+10x60",
        f"pywharf_http_request_duration_seconds_bucket{_SLOW % 10.0}": "0+100x60",
        f"pywharf_http_request_duration_seconds_bucket{_SLOW % '+Inf'}": "0+100x60",
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the page."""
    for name, text in BLOCKS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "admin_secret").write_text("administers")
    return tmp_path


def promtool(folder: Path, *arguments: str, input: str | None = None) -> str:
    command = [debian_program("promtool"), *arguments]
    done = subprocess.run(command, cwd=folder, input=input, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def rules() -> list[Mapping[str, str]]:
    found: list[Mapping[str, str]] = yaml.safe_load(BLOCKS["rules.yml"])["groups"][0]["rules"]
    return found


@pytest.mark.parametrize("name", ["prometheus.yml", "with_secret.yml"])
def test_prometheus_takes_the_configuration(folder: Path, name: str) -> None:
    assert "SUCCESS" in promtool(folder, "check", "config", name)


@pytest.mark.parametrize("alert", [rule["alert"] for rule in rules()])
def test_an_alert_fires_and_is_silent_while_all_is_well(folder: Path, alert: str) -> None:
    def series(values: Mapping[str, str]) -> list[Mapping[str, str]]:
        return [{"series": name, "values": value} for name, value in values.items()]

    quiet = {name: "1x60" if name.startswith("up") else "0x60" for name in FIRING[alert]}
    case = {
        "interval": "1m",
        "promql_expr_test": [{"expr": f'count(ALERTS{{alertname="{alert}"}})', "eval_time": "1h"}],
    }
    document = {"rule_files": ["rules.yml"], "tests": []}
    for values, count in ((FIRING[alert], [{"labels": "{}", "value": 1}]), (quiet, [])):
        test = json.loads(json.dumps(case))  # a copy
        test["input_series"] = series(values)
        test["promql_expr_test"][0]["exp_samples"] = count
        document["tests"].append(test)
    (folder / "tests.yml").write_text(yaml.safe_dump(document))
    assert "SUCCESS" in promtool(folder, "test", "rules", "tests.yml")


def test_every_alert_is_about_a_metric_that_there_is() -> None:
    there = {family.name for family in families({}, [], {}, named=True).collect()}
    for rule in rules():
        for name in re.findall(r"\bpywharf_\w+", rule["expr"]):
            assert re.sub(r"_(total|bucket)$", "", name) in there


@pytest.mark.slow
@pytest.mark.follows("docs/how-to/monitoring.md", "Let Prometheus in", "Logs")
def test_a_server_started_as_the_page_says_is_watched_and_keeps_its_log(tmp_path: Path) -> None:
    port = free_port()
    secrets = initialise(tmp_path / "terminal" / "my-root")
    terminal = Terminal(tmp_path / "terminal", words_for(port, secrets))
    [start] = commands(PAGE, "Let Prometheus in")
    with terminal.serve(start, port) as served:
        text = terminal.type(f"curl -fsS http://127.0.0.1:{port}/metrics")
        assert "repository" in str([family.samples for family in text_string_to_metric_families(text)])
        assert "linting" not in promtool(tmp_path, "check", "metrics", input=text)
        terminal.type(f"curl -sS http://127.0.0.1:{port}/simple/")
        wait_until(lambda: len(access_log(secrets.root)) >= 3, "the log is written")
        assert served.stop() == 0
    shown = json.loads(BLOCKS["access.jsonl"])
    real = access_log(secrets.root)[-1]
    assert list(shown) == list(real)
    assert {key: type(value) for key, value in shown.items() if key not in ("repository", "client")} == {
        key: type(value) for key, value in real.items() if key not in ("repository", "client")
    }
    terminal.words["5d41402abc4b2a76"] = real["request"]
    found = terminal.follow(PAGE, "Logs")
    assert json.loads(found[found.index("{") :]) == real
