"""The legacy upload API: ``POST /simple/``, also at ``/`` and ``/legacy/``."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from pywharf.admission import admit
from pywharf.admitted import Admitted
from pywharf.attestations import attested
from pywharf.exchange import exchange_of
from pywharf.upload_stream import ReceivedForm, receive_upload
from pywharf_core.auth import Access
from pywharf_core.changes import Published, publish
from pywharf_core.errors import NotAuthenticated, NotPermitted
from pywharf_core.upload.form import parse_form
from pywharf_core.upload.receive import receive as read_upload

_ATTESTATIONS_LATE = " The attestations were not added: uploading a file again changes nothing."


async def upload(scope: Scope, receive: Receive, send: Send) -> None:
    """Publish the file that the form brings; 200 also if it was published already with the same content."""
    admitted = await admit(scope, Access.WRITE)
    repository, exchange = admitted.repository, exchange_of(scope)
    threads = exchange.disk_threads(repository)
    most = repository.configuration.max_file_bytes
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in exchange.headers.items()}
    form = await receive_upload(headers, receive, repository.new_staging_file, threads, max_file_bytes=most)
    try:
        published, provenance_sha256 = await exchange.changing(repository).run(_publish, admitted, form)
    except (NotPermitted, NotAuthenticated):
        admitted.contradicted()
        raise
    finally:
        if form.staging is not None:
            await threads.run(form.staging.discard)
    exchange.measurements.uploaded(repository.name, new=published.new, size=published.file.size)
    said = "was published" if published.new else "is published already, with this very content"
    late = _ATTESTATIONS_LATE if provenance_sha256 not in (None, published.file.provenance_sha256) else ""
    await PlainTextResponse(f"{published.file.filename} {said}.{late}\n")(scope, receive, send)


def _publish(admitted: Admitted, received: ReceivedForm) -> tuple[Published, str | None]:
    """What became of the upload, and the hash of the provenance that came with it."""
    form = parse_form(received.fields)
    file, staged = read_upload(form, received.filename, received.staging, now=datetime.now(UTC))
    if form.attestations is not None:
        file, staged = attested(file, staged, form.attestations, admitted.repository.configuration)
    return publish(admitted.repository, file, staged, admitted.secret), file.provenance_sha256
