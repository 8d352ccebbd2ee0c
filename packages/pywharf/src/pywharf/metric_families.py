"""What was counted, and how the repositories are doing, as families of metrics in the words of Prometheus.

Labels have few values, and none of them is a project, a user or an address. Only what is labelled ``repository`` tells
names that not everybody may know.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from pywharf.measurement_slots import Key, ProcessFigures, Sums, add
from pywharf.measurements import BUCKETS, histogram
from pywharf_core.synchronisation import RepositoryStatus

# Kinds of errors that an operator looks into, whatever the route.
_WATCHED = (
    ("pywharf_unforeseen_errors", ("unforeseen",), "Requests that failed by a bug, and were answered with 500."),
    (
        "pywharf_storage_errors",
        ("not_synchronised", "server_files", "storage_unavailable"),
        "Requests that a storage, or the disk of ROOT, did not let come to their end.",
    ),
    ("pywharf_slowed_requests", ("too_many_attempts",), "Requests that were put off after too many wrong secrets."),
)

_PLAIN = "text/plain; version=0.0.4; charset=utf-8"

_BOUNDS = [*map(floatToGoString, BUCKETS), "+Inf"]


@dataclass(frozen=True, slots=True)
class Families(Collector):
    """A collector, as Prometheus' own library calls it.

    :ivar repositories: by name.
    :ivar named: whether names of repositories may be told.
    """

    sums: Sums
    processes: Sequence[ProcessFigures]
    repositories: Mapping[str, RepositoryStatus]
    named: bool
    now: float

    def collect(self) -> Iterator[Metric]:
        yield from self._of_requests()
        yield from self._of_processes()
        yield from self._of_all_repositories()
        if self.named:
            yield from self._of_each_repository()
            yield from self._of_their_traffic()

    # --- requests -----------------------------------------------------------------------------------------

    def _of_requests(self) -> Iterator[Metric]:
        answered = CounterMetricFamily(
            "pywharf_http_requests",
            "Requests that were answered, by the path of the route.",
            labels=("route", "method", "status"),
        )
        seconds: dict[Key, list[float]] = {}
        for (_, route, method, status), values in self._sums_of("request"):
            counts, _, _ = histogram(values)
            answered.add_metric((route, method, status), sum(counts))
            add(seconds, (route, method), values)
        yield answered
        yield _histogram(
            "pywharf_http_request_duration_seconds",
            "Seconds from a request's head to the end of its answer.",
            ("route", "method"),
            seconds,
        )
        sent = CounterMetricFamily(
            "pywharf_http_response_bytes", "Bytes of answers' bodies.", labels=("route", "method"), unit="bytes"
        )
        for labels, values in sorted(seconds.items()):
            sent.add_metric(labels, histogram(values)[2])
        yield sent
        errors = CounterMetricFamily(
            "pywharf_http_errors",
            "Requests that were refused or failed, by the kind of error.",
            labels=("route", "method", "error"),
        )
        for (_, *key), values in self._sums_of("error"):
            errors.add_metric(key, values[0])
        yield errors
        # There from the start, so that the first one shows as an increase.
        for name, kinds, text in _WATCHED:
            yield _counter(name, text, sum(values[0] for key, values in self._sums_of("error") if key[-1] in kinds))
        yield _gauge(
            "pywharf_http_requests_in_flight",
            "Requests that are being answered, by workers that live; a moment old.",
            sum(process.in_flight for process in self.processes),
        )

    # --- processes ----------------------------------------------------------------------------------------

    def _of_processes(self) -> Iterator[Metric]:
        info = {"version": version("pywharf"), "python": platform.python_version()}
        yield InfoMetricFamily("pywharf_build", "What runs.", value=info)
        yield _gauge("pywharf_workers", "Worker processes that live.", len(self.processes))
        yield _counter("pywharf_worker_starts", "Worker processes that were started.", self._sum_of("starts"))
        yield _gauge(
            "process_start_time_seconds",
            "Start of the oldest worker that lives, in Unix seconds.",
            min((process.started_at for process in self.processes), default=self.now),
        )
        memory = sum(process.memory for process in self.processes)
        yield _gauge("process_resident_memory_bytes", "Resident memory of all workers that live.", memory)
        yield _counter("process_cpu_seconds", "Processor time of all workers.", self._sum_of("processor"))

    # --- repositories -------------------------------------------------------------------------------------

    def _of_all_repositories(self) -> Iterator[Metric]:
        states = {"ready": 0, "failing": 0, "unread": 0}
        for status in self.repositories.values():
            states[_state(status)] += 1
        family = GaugeMetricFamily(
            "pywharf_repositories",
            "Repositories by state: ready; failing: the last synchronisation failed; unread: there was none yet.",
            labels=("state",),
        )
        for state, number in states.items():
            family.add_metric((state,), number)
        yield family
        known = [it.synchronised_at for it in self.repositories.values() if it.synchronised_at is not None]
        text = "Seconds since the last synchronisation, of the repository where that is longest ago."
        yield _gauge("pywharf_oldest_index_age_seconds", text, self._age(min(known, default=self.now)) or 0)

    def _of_each_repository(self) -> Iterator[Metric]:
        figures: Mapping[str, tuple[str, Callable[[RepositoryStatus], float | None]]] = {
            "files": ("Files that are listed.", lambda it: it.files),
            "projects": ("Projects that have files.", lambda it: it.projects),
            "refused_files": ("Files in the storage that cannot be served.", lambda it: it.refused),
            "synchronisation_ok": (
                "1 if the last synchronisation did not fail, else 0; 0 while there was none.",
                lambda it: _state(it) == "ready",
            ),
            "index_age_seconds": (
                "Seconds since the last whole synchronisation; absent while there was none.",
                lambda it: self._age(it.synchronised_at),
            ),
            "pending_changes": ("Changes that the remote index does not show yet.", lambda it: it.pending),
            "oldest_pending_change_age_seconds": (
                "Seconds for which the oldest pending change waits; 0: none does.",
                lambda it: self._age(it.pending_since) or 0,
            ),
        }
        for name, (text, figure) in figures.items():
            family = GaugeMetricFamily(f"pywharf_repository_{name}", text, labels=("repository",))
            for repository, status in self.repositories.items():
                if (value := figure(status)) is not None:
                    family.add_metric((repository,), value)
            yield family

    def _age(self, since: float | None) -> float | None:
        return None if since is None else max(0.0, self.now - since)

    def _of_their_traffic(self) -> Iterator[Metric]:
        uploads = CounterMetricFamily(
            "pywharf_repository_uploads",
            "Uploads that were taken; unchanged: the very same file was there.",
            labels=("repository", "outcome"),
        )
        for (_, *key), values in self._sums_of_repositories("upload"):
            uploads.add_metric(key, values[0])
        yield uploads
        for word, text in {
            "received": "Bytes of the files of uploads that were taken.",
            "sent": "Bytes of answers to those who were let in; redirects to the storage have none.",
        }.items():
            traffic = CounterMetricFamily(f"pywharf_repository_{word}_bytes", text, labels=("repository",))
            for (_, *key), values in self._sums_of_repositories(word):
                traffic.add_metric(key, values[0])
            yield traffic
        yield _histogram(
            "pywharf_synchronisation_duration_seconds",
            "Seconds of a synchronisation with the storage.",
            ("repository", "result"),
            {tuple(key): values for (_, *key), values in self._sums_of_repositories("synchronisation")},
        )

    def _sums_of(self, word: str) -> list[tuple[Key, list[float]]]:
        return sorted((key, values) for key, values in self.sums.items() if key[0] == word)

    def _sums_of_repositories(self, word: str) -> list[tuple[Key, list[float]]]:
        """Without those that were configured once."""
        return [(key, values) for key, values in self._sums_of(word) if key[1] in self.repositories]

    def _sum_of(self, word: str) -> float:
        return sum(values[0] for _, values in self._sums_of(word))


def families(
    sums: Sums, processes: Sequence[ProcessFigures], repositories: Mapping[str, RepositoryStatus], *, named: bool
) -> Families:
    """As of now; the parameters are those of ``Families``."""
    return Families(sums, processes, repositories, named, time.time())


def rendered(families: Families, *, open_metrics: bool) -> tuple[bytes, str]:
    """The text, as Prometheus' own format or as OpenMetrics, and its content type."""
    if open_metrics:
        text: bytes = openmetrics.generate_latest(families)  # type: ignore[no-untyped-call]  # the library has no type there
        return text, openmetrics.CONTENT_TYPE_LATEST
    return generate_latest(families), _PLAIN


def _state(status: RepositoryStatus) -> str:
    if status.synchronised_at is None:
        return "unread"
    return "ready" if status.last_error is None else "failing"


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _histogram(name: str, text: str, labels: Sequence[str], cells: Mapping[Key, list[float]]) -> Metric:
    family = HistogramMetricFamily(name, text, labels=labels)
    for key, values in sorted(cells.items()):
        counts, total, _ = histogram(values)
        running, buckets = 0.0, []
        for bound, number in zip(_BOUNDS, counts, strict=True):
            running += number
            buckets.append((bound, running))
        family.add_metric(key, buckets=buckets, sum_value=total)
    return family
