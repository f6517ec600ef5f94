"""The entry point of every serving process, and what Django and granian each expect of it."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rbac_service.settings")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

_django = get_wsgi_application()


def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    if "HTTP_TRANSFER_ENCODING" in environ:
        environ["wsgi.input"] = ChunkedBody(environ["wsgi.input"], settings.RBAC_MAX_BODY)
        # Django reads as many bytes as this says and without it sees no body.
        environ["CONTENT_LENGTH"] = str(settings.RBAC_MAX_BODY)
    return in_one_piece(_django(environ, start_response))


class ChunkedBody:
    """A body of unknown length, read when a view asks for it and not before: who has not been
    let in yet must not be able to hold a thread by sending slowly.
    """

    def __init__(self, stream: Any, limit: int) -> None:
        self._stream = stream
        self._left = limit

    def read(self, size: int = -1) -> bytes:
        return self._counted(self._stream.read(self._left + 1 if size < 0 else size))

    def readline(self, size: int = -1) -> bytes:
        return self._counted(self._stream.readline(self._left + 1 if size < 0 else size))

    def _counted(self, part: bytes) -> bytes:
        self._left -= len(part)
        if self._left < 0 or (self._left == 0 and self._stream.read(1)):
            raise RequestDataTooBig("The request body is too large.")
        return part


def in_one_piece(response: Any) -> Iterable[bytes]:
    """Hand over a finished response as a list: granian sends lists at once and with their length,
    and would otherwise call back into Python for every part.
    """
    if getattr(response, "streaming", True):
        return response
    response.close()
    return [response.content]
