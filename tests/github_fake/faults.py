"""What goes wrong, and when: one line of a test each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from github_fake.calls import operation_name
from github_fake.exchange import Answer, Refusal
from github_fake.rate_limits import secondary_limit


@dataclass
class Fault:
    """See `Faults.next`."""

    operation: str
    times: int = 1
    skip: int = 0
    answer: Answer | None = None
    after: bool = False
    leaves: str | None = None
    cut_request_at: int | None = None
    cut_answer_at: int | None = None
    lose_answer: bool = False
    stall: str | None = None
    before: Callable[[], object] | None = None
    then: Callable[[], object] | None = None
    met: int = 0


@dataclass
class Faults:
    """Those that are still to come. The first that fits an operation is taken."""

    _waiting: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    released: threading.Event = field(default_factory=threading.Event)

    def next(
        self,
        operation: str,
        *,
        status: int | None = None,
        message: str = "Server Error",
        errors: list[Mapping[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        html: bool = False,
        after: bool = False,
        leaves: str | None = None,
        cut_request_at: int | None = None,
        cut_answer_at: int | None = None,
        lose_answer: bool = False,
        stall: str | None = None,
        before: Callable[[], object] | None = None,
        then: Callable[[], object] | None = None,
        times: int = 1,
        skip: int = 0,
    ) -> Fault:
        """Let the next call of ``operation`` go wrong.

        :param operation: ``POST /repos/{o}/{r}/releases`` (what the braces hold is of no account), an operation's id,
            ``GET storage``, or ``*`` for whichever comes.
        :param status: answer with this instead: a JSON error with ``message`` and ``errors``, or a page when ``html``.
        :param after: only after the operation had its effect.
        :param leaves: of an upload that is answered by ``status``: `starter`, an asset that broke off; `asset`, the whole one.
        :param cut_request_at: cut the connection when so many bytes of the body were read. Nothing happens.
        :param cut_answer_at: cut it when so many bytes of the answer's body were sent.
        :param lose_answer: cut it when the operation had its effect, before any answer.
        :param stall: `before` or `after` the effect, or in the `body` of the answer: say nothing until `release`, or the end.
        :param before: called before the operation looks at anything: another server's move.
        :param then: called when the operation had its effect, before the answer.
        :param times: for how many calls; 0: for all that come.
        :param skip: for how many calls to wait first.
        """
        answer = None
        if status is not None:
            answer = (
                _page(status, headers) if html else _error(Refusal(status, message, errors=errors, headers=headers))
            )
        if leaves is not None:
            assert leaves in ("starter", "asset"), leaves
            assert answer is not None, "leaves needs a status"
            after = True
        assert stall in (None, "before", "after", "body"), stall
        return self._add(
            Fault(
                operation_name(operation),
                times=times,
                skip=skip,
                answer=answer,
                after=after,
                leaves=leaves,
                cut_request_at=cut_request_at,
                cut_answer_at=cut_answer_at,
                lose_answer=lose_answer,
                stall=stall,
                before=before,
                then=then,
            )
        )

    def secondary_limit(self, operation: str = "*", *, retry_after: int | None = 60, times: int = 1) -> Fault:
        answer = _error(secondary_limit(retry_after=retry_after))
        return self._add(Fault(operation_name(operation), times=times, answer=answer))

    def branch_moved(self, operation: str = "PUT /repos/{o}/{r}/contents/{p}", *, times: int = 1) -> Fault:
        """Two writers at once on one branch, even for different files: 409, and nothing written."""
        message = f"is at {'a' * 40} but expected {'b' * 40}"
        return self._add(Fault(operation_name(operation), times=times, answer=_error(Refusal(409, message))))

    def take(self, operation: str) -> Fault | None:
        """The fault for a call that just came."""
        with self._lock:
            for fault in self._waiting:
                if fault.operation not in (operation, "*"):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.met += 1
                if fault.met == fault.times:
                    self._waiting.remove(fault)
                return fault
        return None

    @property
    def unmet(self) -> list[str]:
        """Operations whose fault nobody met: a test that ends with some has tested something else."""
        with self._lock:
            return [fault.operation for fault in self._waiting if fault.met == 0]

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def release(self) -> None:
        """Whatever stalls goes on."""
        self.released.set()
        self.released = threading.Event()

    def _add(self, fault: Fault) -> Fault:
        with self._lock:
            self._waiting.append(fault)
        return fault


def _error(refusal: Refusal) -> Answer:
    answer = refusal.answer()
    return Answer(status=answer.status, content=answer.content, headers=answer.headers, faulty=True)


def _page(status: int, headers: Mapping[str, str] | None) -> Answer:
    text = f"<!DOCTYPE html><html><body><h1>{status}</h1><p>Unicorn!</p></body></html>"
    return Answer(
        status=status,
        content=text.encode(),
        headers=dict(headers or {}),
        media_type="text/html; charset=utf-8",
        faulty=True,
    )
