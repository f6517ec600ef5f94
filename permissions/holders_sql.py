"""Reads across models that answer "who holds what" for lists; decisions are the engine's."""

from __future__ import annotations

from collections.abc import Sequence
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


# Reading so many grants of a type takes as long as a walk through as many grantees.
FEW_GRANTS = 20_000


def users_granted(permissions: Sequence[int], object_pk: str | None) -> RawSQL:
    """Keys of users with a grant of any of the permissions, and of superusers; facts active now.

    With ``object_pk`` an object grant counts on that object only, without on any. Superusers are
    found from the groups that confer it, which are few.
    """
    superusers = f"""
        SELECT m.user_id FROM authentik_core_group g
        JOIN authentik_core_groupclosure c ON c.ancestor_id = g.group_uuid
        JOIN authentik_core_groupmembership m ON m.group_id = c.descendant_id
        JOIN authentik_core_user u ON u.id = m.user_id AND u.is_active
        WHERE g.is_superuser AND {_live("m")}"""
    granted = _granted(
        ("permissions_userglobalgrant", "user_id"),
        ("permissions_userobjectpermission", "user_id"),
        permissions,
        object_pk,
    )
    return _subquery(f"{granted} UNION {superusers}", permissions, object_pk)


def roles_granted(permissions: Sequence[int], object_pk: str | None) -> RawSQL:
    """As ``users_granted``, for roles."""
    granted = _granted(
        ("permissions_roleglobalgrant", "role_id"),
        ("permissions_roleobjectpermission", "group_id"),
        permissions,
        object_pk,
    )
    return _subquery(granted, permissions, object_pk)


def _granted(
    everywhere: tuple[str, str],
    on_objects: tuple[str, str],
    permissions: Sequence[int],
    object_pk: str | None,
) -> str:
    among = f"g.permission_id IN ({', '.join(f'%(p{n})s' for n in range(len(permissions)))})"
    table, column = everywhere
    globally = f"SELECT g.{column} FROM {table} g WHERE {among} AND {_live('g')}"
    table, column = on_objects
    if object_pk is not None:
        return f"""{globally} UNION
        SELECT g.{column} FROM {table} g
        WHERE {among} AND g.object_pk = %(object_pk)s AND {_live("g")}"""
    # A type with few grants is read whole. Else from one grantee to the next by the index that
    # starts with them, then a probe for each: the cost follows the number of grantees, not of
    # their grants.
    return f"""{globally} UNION
        SELECT found.id FROM (
            WITH RECURSIVE few(id) AS MATERIALIZED (
                SELECT g.{column} FROM {table} g WHERE {among} AND {_live("g")}
                LIMIT {FEW_GRANTS + 1}
            ), counted(few) AS MATERIALIZED (
                SELECT COUNT(*) <= {FEW_GRANTS} FROM few
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


def _subquery(text: str, permissions: Sequence[int], object_pk: str | None) -> RawSQL:
    keys = {f"p{n}": pk for n, pk in enumerate(permissions)}
    return sql.subquery(text, {**keys, "object_pk": object_pk, "at": None})
