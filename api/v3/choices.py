"""Filters whose values name other objects."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework.request import Request

from accounts.models import User
from permissions import engine


class VisibleChoices(django_filters.ModelMultipleChoiceFilter):
    """Any of the objects named. Those the caller may not view are unknown, which is 400.

    What may be viewed is only asked when the parameter is there.
    """

    def __init__(self, *, queryset: QuerySet[Any], **kwargs: Any) -> None:
        self.rows = queryset
        super().__init__(queryset=self._visible, **kwargs)

    def _visible(self, request: Request | None) -> QuerySet[Any]:
        if request is None or self.field_name not in request.query_params:
            return self.rows.none()
        assert isinstance(request.user, User), "only authenticated callers get here"
        return engine.visible(self.rows.all(), user=request.user).rows
