"""The entry point of every serving process, and what Django and granian each expect of it."""

import gc
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

# A long page is thousands of new objects and no cycles among them. Python would look for cycles
# after every 700 of them, and each time through the whole program too.
gc.freeze()
gc.set_threshold(20_000, 50, 100)


def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    body: Body
    if "HTTP_TRANSFER_ENCODING" in environ:
        environ["wsgi.input"] = body = ChunkedBody(environ["wsgi.input"], settings.RBAC_MAX_BODY)
        # Django reads as many bytes as this says and without it sees no body.
        environ["CONTENT_LENGTH"] = str(settings.RBAC_MAX_BODY)
    elif environ.get("CONTENT_LENGTH", "0") not in ("", "0"):
        environ["wsgi.input"] = body = Body(environ["wsgi.input"])
    else:
        return in_one_piece(_django(environ, start_response))
    return in_one_piece(_django(environ, closing_unread(body, start_response)))


class Body:
    """A request body that knows whether anybody asked for it.

    It is read when a view asks and not before: who has not been let in yet must not be able to hold
    a thread by sending slowly.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.asked_for = False

    def read(self, size: int = -1) -> bytes:
        self.asked_for = True
        part: bytes = self._stream.read(size)
        return part

    def readline(self, size: int = -1) -> bytes:
        self.asked_for = True
        part: bytes = self._stream.readline(size)
        return part


class ChunkedBody(Body):
    """A body of unknown length. Raises RequestDataTooBig after ``limit`` bytes."""

    def __init__(self, stream: Any, limit: int) -> None:
        super().__init__(stream)
        self._left = limit

    def read(self, size: int = -1) -> bytes:
        # One byte more than there may be shows that there is more.
        return self._counted(super().read(self._left + 1 if size < 0 else size))

    def readline(self, size: int = -1) -> bytes:
        return self._counted(super().readline(self._left + 1 if size < 0 else size))

    def _counted(self, part: bytes) -> bytes:
        self._left -= len(part)
        # A body of just the limit is allowed, if nothing follows it.
        if self._left < 0 or (self._left == 0 and self._stream.read(1)):
            raise RequestDataTooBig("The request body is too large.")
        return part


def closing_unread(body: Body, start_response: StartResponse) -> StartResponse:
    """Tell a client whose body nobody read that the connection ends with the answer.

    granian closes it then; a client that was not told sends its next request into the closing
    connection and gets no answer (RFC 9112, 9.6).
    """

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        if not body.asked_for:
            headers = [*headers, ("Connection", "close")]
        return start_response(status, headers, *rest)

    return start


def in_one_piece(response: Any) -> Iterable[bytes]:
    """Hand over a finished response as a list: granian sends lists at once and with their length,
    and would otherwise call back into Python for every part.
    """
    if getattr(response, "streaming", True):
        return response
    response.close()
    return [response.content]
