"""The native operations of this door: they refuse what they do not know, and what cannot change.

authentik's own operations leave alone what other generations of its clients send, except for what
is meant for a member of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import orjson
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.viewsets import GenericViewSet

from api.json import FastJSONRenderer
from api.members import PLACES, refuse_near_misses, refuse_unknown, unknown
from api.v3.lists.filters import AnyOfFilter
from api.v3.lists.ordering import Filters
from api.v3.lists.pagination import Pagination

PAGE_PARAMETERS = (Pagination.page_query_param, Pagination.page_size_query_param)
POSITIVE = re.compile("0*[1-9][0-9]{0,9}")
CANNOT_BE_SET = "This member cannot be set."
CANNOT_CHANGE = "This member cannot be changed."


class NativeSerializer(serializers.Serializer):
    # No docstring: the OpenAPI document would describe every model that has none by it.

    # ``fixed`` members are given once and never change. Whoever sends an object back as it was
    # read is not refused: what is equal changes nothing.
    fixed: ClassVar[frozenset[str]] = frozenset()

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        refuse_unknown(data, self.fields)
        fixed = self.fixed if self.instance is not None else ()
        unchangeable = {name for name in data if name in fixed or self.fields[name].read_only}
        if unchangeable:
            self._refuse_changes({name: data[name] for name in unchangeable})
        kept = {name: value for name, value in data.items() if name not in unchangeable}
        return super().to_internal_value(kept)

    def _refuse_changes(self, sent: Mapping[str, Any]) -> None:
        if self.instance is None:
            raise ValidationError({name: [CANNOT_BE_SET] for name in sent})
        shown = orjson.loads(FastJSONRenderer().render(self.to_representation(self.instance)))
        changed = [name for name, value in sent.items() if shown.get(name) != value]
        if changed:
            raise ValidationError({name: [CANNOT_CHANGE] for name in changed})


class AuthentikSerializer(serializers.Serializer):
    # No docstring: as above.

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and not data.keys() <= self.fields.keys():
            places = [name for name in PLACES if name in self.fields]
            refuse_near_misses(data, self.fields, places)
        return super().to_internal_value(data)


class NativeView(GenericViewSet):
    """To stand before the other bases of a view. ``lists`` names the actions that answer pages,
    ``parameters`` what actions take from the query besides what belongs to a page.
    """

    lists: ClassVar[tuple[str, ...]] = ("list",)
    parameters: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.query_params and self.action is not None:
            faults = dict(self._faults(request))
            if faults:
                raise ValidationError(faults)

    def _faults(self, request: Request) -> Iterator[tuple[str, list[str]]]:
        filtered = self.action in self.lists and Filters in self.filter_backends
        filterset = getattr(self, "filterset_class", None) if filtered else None
        filters: Mapping[str, Any] = filterset.base_filters if filterset else {}
        known = set(self._parameters())
        for name, values in request.query_params.lists():
            if name not in filters.keys() | known:
                yield name, [unknown(name, [*filters, *known], what="parameter")]
            elif len(values) > 1 and not isinstance(filters.get(name), AnyOfFilter):
                yield name, ["Give this parameter once."]
            elif name == OrderingFilter.ordering_param:
                yield from self._faults_of_order(values[0])
            elif name == Pagination.page_size_query_param and not POSITIVE.fullmatch(values[0]):
                yield name, ["A positive whole number is required."]

    def _faults_of_order(self, names: str) -> Iterator[tuple[str, list[str]]]:
        fields = getattr(self, "ordering_fields", {})
        for name in names.split(","):
            bare = name.strip().removeprefix("-")
            if bare and bare not in fields:
                yield (
                    OrderingFilter.ordering_param,
                    [f'"{bare[:100]}": ' + unknown(bare, fields)],
                )

    def _parameters(self) -> Iterator[str]:
        """Names of the parameters that are no filters."""
        if api_settings.URL_FORMAT_OVERRIDE:
            yield api_settings.URL_FORMAT_OVERRIDE
        yield from self.parameters.get(self.action or "", ())
        if self.action not in self.lists:
            return
        for backend in self.filter_backends:
            if issubclass(backend, OrderingFilter):
                yield backend.ordering_param
            if issubclass(backend, SearchFilter):
                yield backend.search_param
        if self.pagination_class is not None:
            yield from PAGE_PARAMETERS
