"""``openapi``: the description of this door, open to everybody, and no envelope around it."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings

from api.genauth.schema import SETTINGS
from api.schema import GENERATING


@require_GET
def openapi(request: HttpRequest) -> HttpResponse:
    return HttpResponse(document(), content_type="application/json")


@cache
def document() -> bytes:
    """The same for everybody, and seconds of work: made once per process."""
    with GENERATING, patched_settings(SETTINGS):
        generator = SchemaGenerator(urlconf="api.genauth.urls")
        description: Any = generator.get_schema(request=None, public=True)
    return orjson.dumps(description)
