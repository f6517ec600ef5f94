"""Filters whose values name other objects."""

from __future__ import annotations

from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import IntegerField, QuerySet
from django_filters.fields import ModelMultipleChoiceField
from rest_framework.request import Request

from accounts.models import User
from api.v3.fields import LARGEST_INTEGER
from permissions import engine


class ChoicesField(ModelMultipleChoiceField):
    def clean(self, value: Any) -> Any:
        """A number no key can have is an unknown choice; SQLite cannot be asked for it."""
        if self.to_field_name is None and isinstance(self.queryset.model._meta.pk, IntegerField):
            for text in value or ():
                if str(text).isdecimal() and int(str(text)[:20]) > LARGEST_INTEGER:
                    message = self.error_messages["invalid_choice"]
                    raise ValidationError(message, code="invalid_choice", params={"value": text})
        return super().clean(value)


class VisibleChoices(django_filters.ModelMultipleChoiceFilter):
    """Any of the objects named. Those the caller may not view are unknown, which is 400.

    What may be viewed is only asked when the parameter is there.
    """

    field_class = ChoicesField

    def __init__(self, *, queryset: QuerySet[Any], **kwargs: Any) -> None:
        self.rows = queryset
        super().__init__(queryset=self._visible, **kwargs)

    def _visible(self, request: Request | None) -> QuerySet[Any]:
        if request is None or self.field_name not in request.query_params:
            return self.rows.none()
        assert isinstance(request.user, User), "only authenticated callers get here"
        return engine.visible(self.rows.all(), user=request.user).rows
