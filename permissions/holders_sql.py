"""Reads across models that answer "who holds what" for lists; decisions are the engine's."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from permissions import sql
from roles.models import Role


def roles_of_user(user_id: int, *, inherited: bool) -> QuerySet[Role]:
    """Roles assigned without scope, active now; ``inherited`` adds those held through others.

    Others are groups, their ancestors, and roles. Whether a role is enabled does not matter: lists
    show what is assigned.
    """
    direct = "a.user_id = CAST(%(key)s AS bigint)"
    if not inherited:
        return _assigned(direct, user_id)
    groups = f"""
        SELECT c.ancestor_id FROM authentik_core_groupmembership m
        JOIN authentik_core_groupclosure c ON c.descendant_id = m.group_id
        WHERE m.user_id = CAST(%(key)s AS bigint) AND {_live("m")}"""
    return _inherited(f"{direct} OR a.group_id IN ({groups})", user_id)


def roles_of_group(group_pk: Any, *, inherited: bool) -> QuerySet[Role]:
    """As ``roles_of_user``, through the group's ancestors and through roles."""
    group = _text().dialect.uuid_of.format(text="CAST(%(key)s AS text)")
    if not inherited:
        return _assigned(f"a.group_id = {group}", group_pk)
    groups = f"""
        SELECT c.ancestor_id FROM authentik_core_groupclosure c WHERE c.descendant_id = {group}"""
    return _inherited(f"a.group_id IN ({groups})", group_pk)


def _assigned(condition: str, key: Any) -> QuerySet[Role]:
    return _roles(f"SELECT a.role_id {_from(condition)}", key)


def _inherited(condition: str, key: Any) -> QuerySet[Role]:
    text = f"""
        WITH RECURSIVE held(role_id) AS (
            SELECT a.role_id {_from(condition)}
            UNION
            SELECT a.role_id FROM held
            JOIN authentik_rbac_roleassignment a ON a.holder_role_id = held.role_id
            WHERE a.scope_id IS NULL AND {_live("a")}
        ) SELECT role_id FROM held"""
    return _roles(text, key)


def _from(condition: str) -> str:
    return f"""
        FROM authentik_rbac_roleassignment a
        WHERE a.scope_id IS NULL AND {_live("a")} AND ({condition})"""


def _roles(text: str, key: Any) -> QuerySet[Role]:
    return Role.objects.filter(pk__in=sql.subquery(text, {"key": str(key), "at": None}))


def _text() -> sql.Text:
    return sql.text_for(connection.vendor)


def _live(row: str) -> str:
    return _text().live(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grantees:
    """Where grants to one kind of grantee are kept: tables, and the columns that name the grantee.

    ``key`` and ``shown`` are the patterns of ``Dialect`` that read and write the grantee's key.
    """

    global_grants: tuple[str, str]
    object_grants: tuple[str, str]
    key: str
    shown: str | None = None


USERS = Grantees(
    global_grants=("permissions_userglobalgrant", "user_id"),
    object_grants=("permissions_userobjectpermission", "user_id"),
    key="integer_of",
)
ROLES = Grantees(
    global_grants=("permissions_roleglobalgrant", "role_id"),
    object_grants=("permissions_roleobjectpermission", "group_id"),
    key="uuid_of",
    shown="uuid_text",
)

# Reading so many grants of a type takes as long as a walk through as many grantees.
FEW_GRANTS = 20_000


def users_granted(type_id: Any, object_pk: Any = None) -> RawSQL:
    """Keys of users with a grant of any permission of a type, and of superusers; active now.

    With ``object_pk`` an object grant counts on that object only, without on any. Superusers are
    found from the groups that confer it, which are few. Either may be a ``Parameter``.
    """
    superusers = f"""
        SELECT m.user_id FROM authentik_core_group g
        JOIN authentik_core_groupclosure c ON c.ancestor_id = g.group_uuid
        JOIN authentik_core_groupmembership m ON m.group_id = c.descendant_id
        JOIN authentik_core_user u ON u.id = m.user_id AND u.is_active
        WHERE g.is_superuser AND {_live("m")}"""
    return _subquery(f"{_granted(USERS, object_pk)} UNION {superusers}", type_id, object_pk)


def roles_granted(type_id: Any, object_pk: Any = None) -> RawSQL:
    """As ``users_granted``, for roles."""
    return _subquery(_granted(ROLES, object_pk), type_id, object_pk)


def _granted(grantees: Grantees, object_pk: Any) -> str:
    among = f"g.permission_id {_of_type()}"
    table, column = grantees.global_grants
    globally = f"SELECT g.{column} FROM {table} g WHERE {among} AND {_live('g')}"
    table, column = grantees.object_grants
    if object_pk is not None:
        return f"""{globally} UNION
        SELECT g.{column} FROM {table} g
        WHERE {among} AND g.object_pk = %(object_pk)s AND {_live("g")}"""
    # A type with few grants is read whole. Else from one grantee to the next by the index that
    # starts with them, then a probe for each: the cost follows the number of grantees, not of
    # their grants.
    return f"""{globally} UNION
        SELECT found.id FROM (
            WITH RECURSIVE few(id, grants) AS MATERIALIZED (
                SELECT granted.id, COUNT(*) FROM ({_few(table, column)}
                ) AS granted GROUP BY granted.id
            ), counted(few) AS MATERIALIZED (
                SELECT COALESCE(SUM(few.grants), 0) <= {FEW_GRANTS} FROM few
            ), grantee(id) AS (
                SELECT * FROM (
                    SELECT g.{column} FROM {table} g ORDER BY g.{column} LIMIT 1) AS least
                UNION ALL
                SELECT (SELECT g.{column} FROM {table} g WHERE g.{column} > grantee.id
                        ORDER BY g.{column} LIMIT 1)
                FROM grantee WHERE grantee.id IS NOT NULL
            )
            SELECT few.id FROM few WHERE (SELECT counted.few FROM counted)
            UNION
            SELECT grantee.id FROM grantee WHERE NOT (SELECT counted.few FROM counted) AND EXISTS (
                SELECT 1 FROM {table} g
                WHERE g.{column} = grantee.id AND {among} AND {_live("g")})
        ) AS found"""


def _few(table: str, column: str) -> str:
    """Grantees of the first grants. Without the order, which is that of the index, PostgreSQL
    reads the table from its beginning.
    """
    text = _text()
    if not text.dialect.has_lateral:
        return f"""
                SELECT g.{column} AS id FROM {table} g
                WHERE g.permission_id {_of_type()} AND {_live("g")} LIMIT {FEW_GRANTS + 1}"""
    return f"""
                SELECT granted.id FROM auth_permission p CROSS JOIN LATERAL (
                    SELECT g.{column} AS id FROM {table} g
                    WHERE g.permission_id = p.id AND {_live("g")}
                    ORDER BY g.object_pk LIMIT {FEW_GRANTS + 1}) AS granted
                WHERE p.content_type_id = CAST(%(type_id)s AS bigint) LIMIT {FEW_GRANTS + 1}"""


def _of_type() -> str:
    """By a list of keys in the index condition; left as a join it may read every grant."""
    permissions = """SELECT p.id FROM auth_permission p
            WHERE p.content_type_id = CAST(%(type_id)s AS bigint)"""
    return _text().dialect.one_of.format(rows=permissions)


def _subquery(text: str, type_id: Any, object_pk: Any) -> RawSQL:
    rows = _text().dialect.looked_up.format(rows=text)
    return sql.subquery(rows, {"type_id": type_id, "object_pk": object_pk, "at": None})


def object_grants(
    grantees: Grantees, keys: Iterable[Any], *, type_id: int, object_pk: str | None, limit: int
) -> list[Any]:
    """(grantee, grant, permission, object) of a type, in this order; facts active now."""
    values = {"type_id": type_id, "object_pk": object_pk, "limit": limit, "at": None}
    return sql.rows(
        _object_grants(grantees, on_one=object_pk is not None),
        {**values, "grantees": _json(keys)},
    )


def global_grants(grantees: Grantees, keys: Iterable[Any], *, limit: int) -> list[Any]:
    """(grantee, grant, codename, name, model, app label) of every type; facts active now.

    By grantee, then as the catalogue has its permissions.
    """
    values = {"grantees": _json(keys), "limit": limit, "at": None}
    return sql.rows(_global_grants(grantees), values)


@cache
def _object_grants(grantees: Grantees, *, on_one: bool) -> str:
    table, column = grantees.object_grants
    on = "AND g.object_pk = %(object_pk)s" if on_one else ""
    return f"""
        SELECT {_shown(grantees, column)}, g.id, g.permission_id, g.object_pk FROM {table} g
        WHERE g.{column} {_listed(grantees)} AND g.permission_id {_of_type()} {on} AND {_live("g")}
        ORDER BY g.{column}, g.permission_id, g.object_pk
        LIMIT %(limit)s"""


@cache
def _global_grants(grantees: Grantees) -> str:
    table, column = grantees.global_grants
    return f"""
        SELECT {_shown(grantees, column)}, g.id, p.codename, p.name, ct.model, ct.app_label
        FROM {table} g
        JOIN auth_permission p ON p.id = g.permission_id
        JOIN django_content_type ct ON ct.id = p.content_type_id
        WHERE g.{column} {_listed(grantees)} AND {_live("g")}
        ORDER BY g.{column}, ct.app_label, ct.model, p.codename
        LIMIT %(limit)s"""


def _shown(grantees: Grantees, column: str) -> str:
    pattern = getattr(_text().dialect, grantees.shown) if grantees.shown else "{column}"
    return str(pattern.format(column=f"g.{column}"))


def _listed(grantees: Grantees) -> str:
    dialect = _text().dialect
    return dialect.one_of.format(rows=dialect.listed("grantees", getattr(dialect, grantees.key)))


def _json(keys: Iterable[Any]) -> str:
    return json.dumps([str(key) for key in keys])
