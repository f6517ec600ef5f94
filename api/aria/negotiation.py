"""JSON in, JSON out, however little a client says about it."""

from __future__ import annotations

from collections.abc import Iterable

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class LenientNegotiation(DefaultContentNegotiation):
    """A body without a content type is JSON; ``?format=`` means nothing here."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        if not request.content_type:
            return next(iter(parsers))
        return super().select_parser(request, parsers)

    def get_accept_list(self, request: Request) -> list[str]:
        accepted = request.META.get("HTTP_ACCEPT") or "*/*"
        return [token.strip() for token in accepted.split(",")]

    def filter_renderers(
        self,
        renderers: Iterable[BaseRenderer],
        format: str,  # noqa: A002  the framework's name
    ) -> list[BaseRenderer]:
        return list(renderers)

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        renderer, _ = super().select_renderer(request, renderers, None)
        return renderer, renderer.media_type
