"""What urllib3 logs of requests: a signed address is a right for five minutes, so its query stays out of every log."""

from __future__ import annotations

import logging
import re

#: Loggers that write addresses, the first of each request at DEBUG.
LOGGERS = ("urllib3.connectionpool", "urllib3.util.retry")

_QUERY = re.compile(r"\?[^\s'\"#]+")


def keep_signed_addresses_out_of_logs() -> None:
    """For the whole process; again is harmless."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_without_queries)


def _without_queries(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(_redacted(argument) for argument in record.args)
    return True


def _redacted(argument: object) -> object:
    if isinstance(argument, int | float) or argument is None:
        return argument
    text = str(argument)
    return _QUERY.sub("?…", text) if "?" in text else argument
