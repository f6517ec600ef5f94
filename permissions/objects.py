"""The thing an object grant is on: a row of ours, a registered resource, or only its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError


@dataclass(frozen=True, slots=True)
class NamedResource:
    """Stands for a resource nobody registered: all that is known of it is what it is called."""

    type: str
    object_pk: str

    def __str__(self) -> str:
        return f"{self.type}:{self.object_pk}"


class GrantedObject(GenericForeignKey):
    """guardian's way to the object, for types without a Python class as well.

    None only where a row of our own is gone. A resource without a table is never missing: whether
    it exists is known to the application it belongs to.
    """

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        content_type = ContentType.objects.get_for_id(instance.content_type_id)
        model = content_type.model_class()
        if model is None or not model._meta.managed:
            return _resource(content_type, instance.object_pk)
        try:
            return super().__get__(instance, cls)
        except (ValidationError, ValueError):  # a key that the model's column cannot hold
            return None


def _resource(content_type: ContentType, object_pk: str) -> Any:
    from permissions.models import Resource

    registered = Resource.objects.filter(type=content_type.pk, object_pk=object_pk).first()
    label = f"{content_type.app_label}.{content_type.model}"
    return registered or NamedResource(label, object_pk)
