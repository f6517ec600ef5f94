"""What one object says of the objects it is linked to.

Details only of those the caller may view; of the others the lists of keys hold the key, without
which nobody could send back what it has read. What all objects of a page are linked to is read at
once, as columns, by statements compiled once.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, F, Model, Q, QuerySet, Value
from django.db.models.functions import Cast
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.facts import State, in_state
from accounts.models import Group, GroupMembership, User, num_of, uid_of
from api.access import ModelAccessViewSet, Sight
from api.v3.fields import AttributesField
from api.v3.lists.listing import ColumnsViewSet
from permissions.engine import Parameter, Statement, listed, visible_keys
from roles.models import SYSTEM_NAMESPACE, Role, RoleAssignment

CALLER = "caller"
OWNERS = "owners"
# For each link or union of links, and what of them may be viewed.
STATEMENTS = 64

# Of one object another is linked to: its "key", whether it is "shown", and the link's columns.
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Link:
    """How objects of a kind, the owners, are linked to others: by ``rows`` that name both.

    ``owner``, ``other`` and ``columns`` are paths from such a row. Links of one kind of owner whose
    columns have the same names and types are read by one statement.
    """

    name: str
    rows: QuerySet[Any]
    owner: str
    other: str
    seen: type[Model]  # the model of ``other``, whose view permission says what is shown
    columns: Mapping[str, Any]
    order: Sequence[str]
    marks: Mapping[str, str] = field(default_factory=dict)  # of further paths to rows of ``seen``

    def read(self, whole: bool) -> QuerySet[Any]:
        """``whole``: every row of ``seen`` may be viewed."""
        marks = {"shown": self.other, **self.marks}
        owner = self.rows.model._meta.get_field(self.owner.partition("__")[0]).target_field
        return (
            self.rows.annotate(
                link=Value(self.name),
                owner_key=ExpressionWrapper(F(self.owner), owner),
                key=F(self.other),
                **self.columns,
                **{name: _mark(self.seen, path, whole) for name, path in marks.items()},
            )
            .filter(owner_key__in=listed(OWNERS, owner))
            .values_list("link", "owner_key", "key", *self.columns, *marks)
        )


def _mark(model: type[Model], path: str, whole: bool) -> Any:
    """Whether the caller, a parameter, may view what the foreign key names."""
    # To start a plan of so many steps takes longer than the rest, also where none of them is taken.
    if whole:
        return Cast(Value(True), BooleanField())  # a union must know its type
    caller = Parameter(CALLER)
    condition = Q(**{f"{path}__in": visible_keys(caller, model)})
    if model is User:
        condition |= Q(**{path: caller})
    return ExpressionWrapper(condition, BooleanField())


class Linked:
    """What ``owners``, keys of one kind of object, are linked to; read when it is first asked."""

    def __init__(self, links: Iterable[Link], owners: Sequence[Any], sight: Sight) -> None:
        self.links, self.owners, self.sight = tuple(links), owners, sight

    def of(self, owner: Any) -> dict[str, list[Row]]:
        """By the names of the links."""
        return self._rows[owner]

    @cached_property
    def _rows(self) -> dict[Any, dict[str, list[Row]]]:
        linked: dict[Any, dict[str, list[Row]]] = {
            owner: {link.name: [] for link in self.links} for owner in self.owners
        }
        alike: dict[tuple[str, ...], list[Link]] = defaultdict(list)
        for link in self.links:
            alike[tuple(link.columns)].append(link)
        for columns, links in alike.items() if linked else ():
            whole = tuple(link.seen in self.sight.whole for link in links)
            statement = _reading(tuple(links), whole)
            members = ("key", *columns, "shown", *links[0].marks)
            owners, caller = json.dumps([str(key) for key in self.owners]), self.sight.caller.pk
            for name, owner, *row in statement.rows(owners=owners, caller=caller):
                linked[owner][name].append(dict(zip(members, row, strict=True)))
        return linked


@lru_cache(maxsize=STATEMENTS)
def _reading(links: tuple[Link, ...], whole: tuple[bool, ...]) -> Statement:
    rows, *more = (link.read(all_of) for link, all_of in zip(links, whole, strict=True))
    if more:
        rows = rows.union(*more, all=True)
    return Statement.of(rows.order_by(*links[0].order))


def link(objects: Sequence[Any], links: Iterable[Link], sight: Sight) -> None:
    """From now on each object's ``linked()`` tells what it is linked to, as ``Linked.of``."""
    linked = Linked(links, [one.pk for one in objects], sight)
    for one in objects:
        one.linked = partial(linked.of, one.pk)


class LinkedViewSet(ColumnsViewSet, ModelAccessViewSet):
    """How far the caller sees is asked once, for the rows and for what they are linked to."""

    @cached_property
    def sight(self) -> Sight:
        return Sight(self.caller)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if self.model in self.sight.whole:
            self.reach = "all"
            return super().list(request, *args, **kwargs)
        self.reach = "some"
        with suppress(NotFound, ValidationError):
            response = super().list(request, *args, **kwargs)
            if response.data["results"]:
                return response
        # Whoever may view nothing at all is told so, before anything else.
        del self.reach
        return super().list(request, *args, **kwargs)


def keys(name: str) -> Callable[[Any], list[Any]]:
    """How to read the keys of what an object is linked to, for ``KeysField``."""
    return lambda one: [row["key"] for row in one.linked()[name]]


def timed(owner: str, other: str, seen: type[Model]) -> Link:
    """The memberships that count or will, by the key of the other side."""
    return Link(
        name="memberships",
        rows=GroupMembership.objects.exclude(in_state(State.ENDED)),
        owner=owner,
        other=other,
        seen=seen,
        columns={
            "membership": F("pk"),
            "since": F("valid_from"),
            "until": F("valid_until"),
            "why": F("reason"),
        },
        order=("key",),
    )


# Of the roles that are given without scope and count now.
# Public ones, but a role that is assigned is in use, and needs no look whether it is.
ASSIGNED = (
    RoleAssignment.objects.active()
    .unscoped()
    .filter(role__managed__isnull=True)
    .exclude(role__namespace__code=SYSTEM_NAMESPACE)
)


def shown(rows: Iterable[Row], represent: Callable[[Row], Row]) -> list[Row]:
    """As far as the caller may view them."""
    return [represent(row) for row in rows if row["shown"]]


def partial_role(row: Row) -> Row:
    return {"pk": row["key"], "name": row["name"]}


def partial_user(row: Row) -> Row:
    members = ("username", "name", "is_active", "last_login", "email", "attributes")
    return {"pk": row["key"], **{name: row[name] for name in members}, "uid": uid_of(row["uuid"])}


def partial_group(row: Row) -> Row:
    return {
        "pk": row["key"],
        "num_pk": num_of(row["key"]),
        "name": row["name"],
        "is_superuser": row["is_superuser"],
        "parent": row["parent"],
        "parent_name": row["parent_name"] if row["parent_shown"] else None,
        "attributes": row["attributes"],
    }


def related_group(row: Row) -> Row:
    return {
        "pk": row["key"],
        "name": row["name"],
        "is_superuser": row["is_superuser"],
        "attributes": row["attributes"],
        "group_uuid": row["key"],
    }


def times_as(other: str) -> Callable[[Row], Row]:
    """Of a membership, the other side under the name ``other``."""
    return lambda row: {
        "pk": row["membership"],
        other: row["key"],
        "valid_from": row["since"],
        "valid_until": row["until"],
        "reason": row["why"],
    }


# The shapes of these, for the description of the API.


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
    num_pk = serializers.IntegerField(read_only=True)
    parent = serializers.UUIDField(read_only=True, allow_null=True)  # type: ignore[assignment]  # not DRF's
    parent_name = serializers.CharField(read_only=True, allow_null=True)
    attributes = AttributesField(read_only=True)

    class Meta:
        model = Group
        fields = [
            "pk", "num_pk", "name", "is_superuser", "parent", "parent_name", "attributes",
        ]  # fmt: skip
        read_only_fields = fields
