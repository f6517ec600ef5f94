"""The entry point of every serving process, and what Django and granian each expect of it."""

import os
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rbac_service.settings")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

_django = get_wsgi_application()


def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    if "HTTP_TRANSFER_ENCODING" in environ:
        measure_body(environ)
    return in_one_piece(_django(environ, start_response))


def measure_body(environ: Environ) -> None:
    """Give a chunked body the length Django insists on.

    Django reads as many bytes as Content-Length says, so without it sees no body, although the
    server has taken the chunks apart already. One byte above the limit is enough to be refused.
    """
    body = environ["wsgi.input"].read(settings.RBAC_MAX_BODY + 1)
    environ["wsgi.input"] = BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))


def in_one_piece(response: Any) -> Iterable[bytes]:
    """Hand over a finished response as a list: granian sends lists at once and with their length,
    and would otherwise call back into Python for every part.
    """
    if getattr(response, "streaming", True):
        return response  # type: ignore[no-any-return]  # a WSGI iterable by protocol
    response.close()
    return [response.content]
