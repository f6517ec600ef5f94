"""What one user holds altogether. Decisions are the engine's alone; this is for showing it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import connection

from accounts.models import User
from permissions import sql
from permissions.decisions import SubjectRef, subject_parameters


def held_roles(user: User) -> set[uuid.UUID]:
    """Keys of the roles that give the user anything now, with or without scope; one statement."""
    return {role for role, _ in holdings(user)}


def holdings(user: User) -> list[tuple[uuid.UUID, tuple[uuid.UUID, ...]]]:
    """(role, scopes on the way to it), each way once; no scopes mean no limit."""
    parameters = {**subject_parameters(SubjectRef.of(user)), "at": None}
    rows: Iterable[Any] = sql.rows(sql.statement(connection.vendor, "holdings"), parameters)
    return [(uuid.UUID(str(role)), _scopes(path)) for role, path in rows]


def _scopes(path: Any) -> tuple[uuid.UUID, ...]:
    """An array of uuids, or on SQLite the text of one."""
    if isinstance(path, str):
        path = path.strip("[]").replace('"', "").split(",") if path != "[]" else []
    return tuple(uuid.UUID(str(one)) for one in path)
