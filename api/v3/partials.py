"""What one object says of the objects it is linked to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Prefetch
from rest_framework import serializers

from accounts.models import Group, GroupParent, User
from api.v3.fields import AttributesField
from roles.models import Role


def with_parents(prefix: str = "") -> Prefetch[Any]:
    """The rows that link a group to its parents, by the parents' names, as ``parents_read``."""
    rows = GroupParent.objects.select_related("parent").order_by("parent__name")
    return Prefetch(f"{prefix}parent_rows", rows, to_attr="parents_read")


def first_parent(group: Group) -> Group | None:
    """What clients see that know one parent only: the first by name."""
    rows: list[GroupParent] = group.parents_read  # type: ignore[attr-defined]  # see with_parents
    return rows[0].parent if rows else None


class PartialRoleSerializer(serializers.ModelSerializer):
    class Meta:
        model = Role
        fields = ["pk", "name"]
        read_only_fields = fields


class PartialUserSerializer(serializers.ModelSerializer):
    pk = serializers.IntegerField(read_only=True)
    attributes = AttributesField(read_only=True)
    uid = serializers.CharField(read_only=True)

    class Meta:
        model = User
        fields = [
            "pk", "username", "name", "is_active", "last_login", "email", "attributes", "uid",
        ]  # fmt: skip
        read_only_fields = fields


class RelatedGroupSerializer(serializers.ModelSerializer):
    attributes = AttributesField(read_only=True)

    class Meta:
        model = Group
        fields = ["pk", "name", "is_superuser", "attributes", "group_uuid"]
        read_only_fields = fields


class PartialGroupSerializer(serializers.ModelSerializer):
    """Of a group read ``with_parents``."""

    num_pk = serializers.IntegerField(read_only=True)
    parent = serializers.SerializerMethodField()  # type: ignore[assignment]  # not DRF's
    parent_name = serializers.SerializerMethodField()
    attributes = AttributesField(read_only=True)

    class Meta:
        model = Group
        fields = [
            "pk", "num_pk", "name", "is_superuser", "parent", "parent_name", "attributes",
        ]  # fmt: skip
        read_only_fields = fields

    def get_parent(self, group: Group) -> UUID | None:
        parent = first_parent(group)
        return parent.pk if parent else None

    def get_parent_name(self, group: Group) -> str | None:
        parent = first_parent(group)
        return parent.name if parent else None
