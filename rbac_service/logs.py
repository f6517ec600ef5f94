"""Ties log lines to requests."""

import logging

from audit import context


class RequestIdFilter(logging.Filter):
    """Adds the request id to every line, ``-`` outside a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = context.current().request_id or "-"
        return True
