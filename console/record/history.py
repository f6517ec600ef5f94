"""Which events speak of something, and the way to them.

    history_of(role)                # the URL of the change log, about this role
    Thing.named("role:auditor")     # what somebody typed
    touching(thing), holding(thing) # conditions on events

An event has one target; what else it is about stands in its facts: the role that was assigned, the
user who joined, the resource a grant is on.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from django.contrib.auth.models import Permission
from django.db.models import Model, Q

from accounts.models import GroupMembership, GroupParent, SignIn
from audit.models import EventKind
from console.forms import PRINCIPALS
from console.pages import url_with
from permissions.models import (
    Resource,
    ResourceType,
    RetiredName,
    RoleGlobalGrant,
    RoleObjectPermission,
    UserGlobalGrant,
    UserObjectPermission,
)
from roles.models import RoleAssignment

VIEW: Final = "audit.view_event"
USER, GROUP, ROLE = (model._meta.label_lower for model in PRINCIPALS.values())
SCOPE, TYPE = "authentik_rbac.scope", "permissions.resourcetype"

GRANTS = (EventKind.GRANT_CREATED, EventKind.GRANT_CHANGED, EventKind.GRANT_DELETED)
ASSIGNMENTS = (
    EventKind.ROLE_ASSIGNED, EventKind.ROLE_ASSIGNMENT_CHANGED, EventKind.ROLE_UNASSIGNED,
)  # fmt: skip
MEMBERSHIPS = (
    EventKind.GROUP_MEMBER_ADDED, EventKind.GROUP_MEMBERSHIP_CHANGED,
    EventKind.GROUP_MEMBER_REMOVED,
)  # fmt: skip
PARENTS = (EventKind.GROUP_PARENT_ADDED, EventKind.GROUP_PARENT_REMOVED)
TOKENS = (EventKind.TOKEN_CREATED, EventKind.TOKEN_CHANGED, EventKind.TOKEN_DELETED)
INITIAL = (
    EventKind.INITIAL_PERMISSIONS_CREATED, EventKind.INITIAL_PERMISSIONS_CHANGED,
    EventKind.INITIAL_PERMISSIONS_DELETED,
)  # fmt: skip


class Thing(NamedTuple):
    """A type, one of its rows by key, or what was called so and is gone."""

    type: str
    key: str | None = None
    name: str = ""

    @classmethod
    def of(cls, row: Model) -> Thing:
        return cls(row._meta.label_lower, str(row.pk))

    @classmethod
    def named(cls, text: str) -> Thing | None:
        """From ``user:bob``, ``shop.invoice:42``, ``shop.invoice`` or ``bob``; None is nothing."""
        kind, colon, name = text.partition(":")
        if "." in kind:
            return cls(kind, name if colon else None)
        kinds = [kind] if kind in PRINCIPALS and name else list(PRINCIPALS)
        name = name if kind in PRINCIPALS and name else text
        for model in map(PRINCIPALS.__getitem__, kinds):
            column = "username" if model is PRINCIPALS["user"] else "name"
            row = model._default_manager.filter(**{column: name}).first()
            if row is not None:
                return cls.of(row)
        label = PRINCIPALS[kind]._meta.label_lower if kinds == [kind] else ""
        return cls(label, name=name) if label else None

    def __str__(self) -> str:
        return self.type if self.key is None else f"{self.type}:{self.key}"


class Mention(NamedTuple):
    """Where events of these kinds name something that is not their target."""

    kinds: tuple[EventKind, ...]
    key: str
    name: str


MENTIONS = {
    USER: (Mention(MEMBERSHIPS, "user", "username"), Mention(TOKENS, "user", "")),
    GROUP: (Mention(PARENTS, "parent", "name"),),
    ROLE: (Mention(ASSIGNMENTS, "role", "name"), Mention(INITIAL, "role", "")),
    SCOPE: (Mention(ASSIGNMENTS, "scope", ""),),
}


def touching(thing: Thing) -> Q:
    """In whatever part."""
    condition = _targeted(thing) | _granted_on(thing)
    for mention in MENTIONS.get(thing.type, ()):
        condition |= _mentioned(mention, thing)
    return condition


def holding(thing: Thing) -> Q:
    """To whom something was given, or from whom it was taken."""
    condition = _targeted(thing) & Q(kind__in=[*GRANTS, *ASSIGNMENTS])
    if thing.type == USER:
        condition |= _mentioned(MENTIONS[USER][0], thing)
    return condition


def history_of(row: Model) -> str:
    """The change log about this row; of a fact, about whoever holds it and what it gives."""
    return url_with("console:changes", **_words(row))


def _targeted(thing: Thing) -> Q:
    target = Q(target_type=thing.type)
    if thing.key is not None:
        return target & Q(target_pk=thing.key)
    if thing.name:
        return target & Q(target_name=thing.name)
    return target | Q(target_type=TYPE, target_name=thing.type)


def _granted_on(thing: Thing) -> Q:
    if thing.name:
        return Q()
    facts = {"model": thing.type} | ({} if thing.key is None else {"object_pk": thing.key})
    return Q(kind__in=GRANTS) & _fact(**facts)


def _mentioned(mention: Mention, thing: Thing) -> Q:
    if thing.key is not None:
        is_number = mention.key == "user" and thing.key.isdecimal()
        said = _fact(**{mention.key: int(thing.key) if is_number else thing.key})
    elif thing.name and mention.name:
        said = _fact(**{mention.name: thing.name})
    else:
        return Q(pk__in=[])
    return Q(kind__in=mention.kinds) & said


def _fact(**facts: Any) -> Q:
    before, after = (
        Q(**{f"{side}__{name}": value for name, value in facts.items()})
        for side in ("before", "after")
    )
    return before | after


def _words(row: Any) -> dict[str, str]:
    match row:
        case RoleAssignment():
            return {"subject": str(Thing.of(row.principal)), "about": f"{ROLE}:{row.role_id}"}
        case GroupMembership():
            return {"subject": f"{USER}:{row.user_id}", "about": f"{GROUP}:{row.group_id}"}
        case UserGlobalGrant() | UserObjectPermission():
            return {"subject": f"{USER}:{row.user_id}", "about": _resource(row)}
        case RoleGlobalGrant() | RoleObjectPermission():
            role = row.role_id if isinstance(row, RoleGlobalGrant) else row.group_id
            return {"subject": f"{ROLE}:{role}", "about": _resource(row)}
    return {"about": _about(row)}


def _about(row: Any) -> str:
    match row:
        case GroupParent():
            return f"{GROUP}:{row.child_id}"
        case SignIn():
            return f"{USER}:{row.user_id}"
        case Resource():
            return f"{row.type.label}:{row.object_pk}"
        case ResourceType() | RetiredName():
            return str(row)
        case Permission():
            return f"{row.content_type.app_label}.{row.content_type.model}"
    return str(Thing.of(row))


def _resource(row: Any) -> str:
    kind = row.permission.content_type
    label = f"{kind.app_label}.{kind.model}"
    object_pk = getattr(row, "object_pk", None)
    return label if object_pk is None else f"{label}:{object_pk}"
