"""The fault plan's faults of the index on the branch, and of what servers tell each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from github_backend.fault_stage import Fault, Found, Stage, until

PUT = "PUT /repos/{o}/{r}/contents/{p}"
BRANCH = "GET /repos/{o}/{r}/branches/{branch}"


def while_written(inject: Callable[[Stage], object], *, by_workflow: bool = False) -> Fault:
    """A fresh upload comes into the index, while GitHub has the fault; a third server has to see it.

    :param by_workflow: the server cannot write it, and the workflow's run does.
    """

    def run(on: Stage) -> Found:
        on.update_index()
        with on.server() as wharf:
            inject(on)
            wheel = on.wheel()
            saw = on.upload(wheel, wharf)
            assert on.is_listed(wheel, wharf), "on this server it is listed at once"
            words = "the server tries again"
            if by_workflow:
                until(lambda: on.fake.calls.count(PUT) > 0, "the server has tried")
                assert not on.is_in_index(wheel)
                on.calm()
                on.update_index()
                words = "the workflow's next run"
            until(lambda: on.is_in_index(wheel), "it is in the index")
        on.calm()
        with on.server() as third:
            assert on.is_listed(wheel, third)
        return Found(saw, "the release", words)

    return run


def at_the_write(**fault: Any) -> Fault:
    return while_written(lambda on: on.fake.faults.next(PUT, **fault))


def _another_writer(on: Stage) -> None:
    """Somebody else's commit comes between the look and the write."""
    text = on.repository.file("index.toml")
    assert text is not None
    on.fake.faults.next(PUT, before=lambda: on.fake.put_file(on.repository, "index.toml", text + b"# theirs\n"))


def _protect(on: Stage) -> None:
    on.fake.calls.clear()
    message = "Repository rule violations found\n\nChanges must be made through a pull request."
    on.fake.faults.next(PUT, status=409, message=message, times=0)


def spoiled(content: bytes | None) -> Fault:
    """The index is removed, or written over, by hand."""

    def run(on: Stage) -> Found:
        wheel = on.published()
        on.update_index()
        on.fake.put_file(on.repository, "index.toml", content)
        with on.server() as new:
            saw = f"pages: {on.page(wheel, new).status}"
            assert on.is_listed(wheel, new), "everything is read from the releases"
            more = on.published(new)
            until(lambda: on.is_in_index(more), "there is an index again")
            assert on.is_in_index(wheel)
        return Found(saw, "the releases", "read from the releases; whoever publishes next writes it anew")

    return run


def webhook_lost(on: Stage) -> Found:
    with on.server(sync_index_interval=1) as deaf, on.server() as other:
        wheel = on.wheel()
        saw = on.upload(wheel, other)
        assert not on.is_listed(wheel, deaf)
        until(lambda: on.is_listed(wheel, deaf), "the other server lists it")
    return Found(saw, "the release", "other servers see it at their next synchronisation")


def while_looking(**fault: Any) -> Fault:
    """A server looks for changes."""

    def run(on: Stage) -> Found:
        wheel = on.published()
        on.update_index()
        with on.server(sync_index_interval=1) as looking:
            failing = on.fake.faults.next(BRANCH, times=0, **fault)
            until(lambda: failing.met > 4, "it has tried more than once")
            saw = f"pages: {on.page(wheel, looking).status}, as they were"
            on.calm()
            more = on.published()
            on.update_index()
            until(lambda: on.is_listed(more, looking), "it sees what is new")
        return Found(saw, "nothing new", "the next synchronisation")

    return run


FAULTS: Mapping[str, Fault] = {
    "writing it: another server's commit comes first": while_written(_another_writer),
    "writing it: 409, somebody commits in this moment": while_written(lambda on: on.fake.faults.branch_moved(PUT)),
    "writing it: 502": at_the_write(status=502),
    "writing it: done, the answer is lost": at_the_write(lose_answer=True),
    "writing it: a rule of the branch forbids it": while_written(_protect, by_workflow=True),
    "somebody removed it": spoiled(None),
    "somebody wrote over it": spoiled(b"what is this?\n"),
    "reading it: 503": while_looking(status=503),
    "reading it: a page of HTML": while_looking(status=200, html=True),
    "the webhook does not arrive": webhook_lost,
}
