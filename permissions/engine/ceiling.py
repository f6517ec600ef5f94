"""The grant ceiling: nobody gives, by any door, what they do not hold themselves.

Holders of ``authentik_rbac.escalate`` may, except that only superusers put anybody into what
confers superuser. An actor of None is the service itself and has no ceiling.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Model

from accounts.models import Group, User
from audit.errors import Forbidden
from permissions.engine import ceiling_sql, checking, running
from permissions.engine.words import (
    Question,
    ResourceRef,
    SubjectRef,
    action_parameters,
    subject_parameters,
)
from roles.models import Role, Scope

SHOWN = 5
ESCALATE = "authentik_rbac.escalate"


class GrantCeiling(Forbidden):
    """The actor would give more than it holds; the message names what is missing."""

    code = "grant_ceiling"


class SuperuserOnly(Forbidden):
    """The change confers superuser, and the actor is none."""

    code = "superuser_only"
    default_message = "Only a superuser can do this: it would make somebody a superuser."


def require_grants(
    *, actor: User | None, wanted: Iterable[tuple[Permission, ResourceRef | None]]
) -> None:
    """The actor holds each permission, on the resource or globally. One statement.

    The permissions come with their content type loaded.
    """
    facts = list(wanted)
    if actor is None or not facts:
        return
    subject = SubjectRef.of(actor)
    questions = [Question(subject=subject, action=ESCALATE)]
    questions += [
        Question(subject=subject, action=permission.codename, resource=_resource(permission, on))
        for permission, on in facts
    ]
    escalate, *held = checking.check_many(questions)
    if escalate.allowed:
        return
    missing = [fact for fact, decision in zip(facts, held, strict=True) if not decision.allowed]
    if missing:
        raise _too_much([_text(permission, on) for permission, on in missing])


def require_covers(
    *,
    actor: User | None,
    roles: Iterable[Role] = (),
    groups: Iterable[Group] = (),
    users: Iterable[User] = (),
    scope: Scope | None = None,
) -> None:
    """Holding the roles, joining the groups or acting as the users gives nothing beyond the actor.

    With a scope the roles are held within it. One statement.
    """
    roles, groups, users = list(roles), list(groups), list(users)
    if actor is None or not (roles or groups or users):
        return
    parameters = {
        **subject_parameters(SubjectRef.of(actor)),
        **action_parameters("", None),
        "at": None,
        "roles": json.dumps([str(role.pk) for role in roles]),
        "groups": json.dumps([str(group.pk) for group in groups]),
        "users": json.dumps([str(user.pk) for user in users]),
        "scope_id": str(scope.pk) if scope else None,
        "limit": SHOWN + 1,
    }
    beyond = running.rows(ceiling_sql.beyond(connection.vendor), parameters)
    if any(kind == "superuser" for kind, _, _ in beyond):
        raise SuperuserOnly
    if beyond:
        raise _too_much([f"{name} on {pk}" if pk else name for _, name, pk in beyond])


def require_may(*, actor: User | None, action: str, rows: Iterable[Model]) -> None:
    """The actor may do the action on every row, else Forbidden. One statement."""
    if actor is not None and not checking.may_each(actor, action, rows):
        raise Forbidden


def require_superuser(actor: User | None) -> None:
    if actor is not None and not actor.is_superuser:
        raise SuperuserOnly


def _resource(permission: Permission, on: ResourceRef | None) -> ResourceRef:
    content_type = permission.content_type
    label = f"{content_type.app_label}.{content_type.model}"
    return ResourceRef(label, on.id if on else None)


def _text(permission: Permission, on: ResourceRef | None) -> str:
    name = f"{permission.content_type.app_label}.{permission.codename}"
    return f"{name} on {on.id}" if on and on.id is not None else name


def _too_much(missing: list[str]) -> GrantCeiling:
    named = ", ".join(missing[:SHOWN])
    more = ", and more" if len(missing) > SHOWN else ""
    return GrantCeiling(f"You cannot grant what you do not hold yourself: {named}{more}.")
