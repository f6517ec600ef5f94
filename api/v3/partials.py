"""What one object says of the objects it is linked to.

Details only of those the caller may view; of the others the lists of keys hold the key, without
which nobody could send back what it has read. The rows that link two objects are read ``marked``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from rest_framework import serializers

from accounts.facts import State, in_state
from accounts.models import Group, GroupMembership, GroupParent, User
from api.access import Sight
from api.v3.fields import AttributesField
from roles.models import Role


def shown(rows: Iterable[Any], link: str) -> list[Any]:
    """Of ``marked`` rows, what they link to, as far as the caller may view it."""
    return [getattr(row, link) for row in rows if row.shown]


def with_times(sight: Sight, link: str) -> Prefetch[Any]:
    """The memberships that count or will, of whom or what the caller may view, by its key, as
    ``memberships_timed``. ``link`` is the other side.
    """
    rows: QuerySet[Any] = GroupMembership.objects.exclude(in_state(State.ENDED)).order_by(link)
    seen = sight.marked(rows, link).filter(shown=True)
    return Prefetch("memberships", seen, to_attr="memberships_timed")


def with_parents(sight: Sight, prefix: str = "") -> Prefetch[Any]:
    """The rows that link a group to its parents, by the parents' names, as ``parents_read``."""
    rows = GroupParent.objects.select_related("parent").order_by("parent__name")
    return Prefetch(f"{prefix}parent_rows", sight.marked(rows, "parent"), to_attr="parents_read")


def first_parent(group: Any) -> Group | None:
    """What clients see that know one parent only: the first by name."""
    return next((row.parent for row in group.parents_read), None)


def name_of_first_parent(group: Any) -> str | None:
    """None also when the caller may not view it."""
    return next((row.parent.name if row.shown else None for row in group.parents_read), None)


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


class TimesOfMemberSerializer(serializers.ModelSerializer):
    """A membership of a group: whose, from when, until when, and why."""

    class Meta:
        model = GroupMembership
        fields = ["pk", "user", "valid_from", "valid_until", "reason"]
        read_only_fields = fields


class TimesInGroupSerializer(serializers.ModelSerializer):
    """A membership of a user: of which group, from when, until when, and why."""

    class Meta:
        model = GroupMembership
        fields = ["pk", "group", "valid_from", "valid_until", "reason"]
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
        return name_of_first_parent(group)
