"""What one user holds altogether, for showing it; decisions are the engine's alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import QuerySet

from accounts.models import Group, GroupClosure, GroupMembership, User
from permissions import engine
from permissions.engine import Question, SubjectRef, running, sql, subject_parameters
from permissions.models import ResourceType
from roles.models import Role


def groups_of(user: User) -> QuerySet[Group]:
    """The groups a user belongs to, directly or through groups below them, by name."""
    own = GroupMembership.objects.active().filter(user=user).values("group")
    above = GroupClosure.objects.filter(descendant__in=own).values("ancestor")
    return Group.objects.filter(pk__in=above).order_by("name")


def roles_of(user: User) -> QuerySet[Role]:
    """The public roles a user holds without limit, by name: own, of groups, and through roles."""
    unlimited = {role for role, scopes in holdings(user) if not scopes}
    return Role.objects.public().filter(pk__in=unlimited).order_by("name")


def roles_held_at_all(user: User) -> QuerySet[Role]:
    """As ``roles_of``, and those held within scopes."""
    return Role.objects.public().filter(pk__in=held_roles(user)).order_by("name")


def codenames_of(user: User, app_label: str) -> list[str]:
    """Codenames of every permission of an app that a user holds globally, in order."""
    types = ResourceType.objects.filter(content_type__app_label=app_label).values("pk")
    permissions = Permission.objects.filter(content_type__in=types)
    codenames = sorted(permissions.values_list("codename", flat=True))
    subject = SubjectRef.of(user)
    # Asked without a resource, so that only what counts everywhere is among them.
    questions = [
        Question(subject=subject, action=f"{app_label}.{codename}") for codename in codenames
    ]
    decisions = engine.check_many(questions)
    return [name for name, decision in zip(codenames, decisions, strict=True) if decision.allowed]


def held_roles(user: User) -> set[uuid.UUID]:
    """Keys of the roles that give the user anything now, with or without scope; one statement."""
    return {role for role, _ in holdings(user)}


def holdings(user: User) -> list[tuple[uuid.UUID, tuple[uuid.UUID, ...]]]:
    """(role, scopes on the way to it), each way to a role once; no scopes mean no limit."""
    parameters = {**subject_parameters(SubjectRef.of(user)), "at": None}
    rows: Iterable[Any] = running.rows(sql.statement(connection.vendor, "holdings"), parameters)
    return [(uuid.UUID(str(role)), running.scopes_on(path)) for role, path in rows]
