"""``/schema/``: this door's OpenAPI document, open to everybody."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from api.schema import GENERATING


class SchemaView(SpectacularAPIView):
    """JSON or YAML, by ``format`` or the Accept header; the service speaks English only."""

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "format",
                OpenApiTypes.STR,
                enum=["json", "yaml"],
                description="Instead of the Accept header.",
            ),
            OpenApiParameter("lang", OpenApiTypes.STR, description="Accepted and ignored."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Read this document, as JSON or YAML by `format` or the Accept header."""
        filename = self._get_filename(request, None)  # type: ignore[no-untyped-call]  # theirs
        return Response(
            document(), headers={"Content-Disposition": f'inline; filename="{filename}"'}
        )

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Errors are JSON here too, whatever the document would have been."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code >= 400:
            response.accepted_renderer = JSONRenderer()
            response.accepted_media_type = JSONRenderer.media_type
        return response


@cache
def document() -> Any:
    """The same for everybody, and seconds of work: made once per process."""
    with GENERATING:
        return SchemaView.generator_class().get_schema(request=None, public=True)
