"""Who was granted something of a type, and what; the roles of users and groups: for the lists.

Written as SQL, because a list must cost what its page costs and not what was granted altogether.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Func, QuerySet, TextField
from django.db.models.expressions import RawSQL

from accounts.facts import State
from accounts.models import User
from permissions.engine import running, sql
from permissions.engine.dialects import DIALECTS, Dialect
from permissions.models.fact_tables import (
    GROUP_ASSIGNMENT,
    MEMBERSHIPS,
    ROLE_ASSIGNMENT,
    ROLE_GLOBAL,
    ROLE_OBJECT,
    TIMES,
    USER_ASSIGNMENT,
    USER_GLOBAL,
    USER_OBJECT,
    FactTable,
)
from roles.models import Role


def roles_of_user(user_id: int, *, inherited: bool) -> QuerySet[Role]:
    """Roles assigned without scope, active now; ``inherited`` adds those held through groups, their
    ancestors, and other roles.

    Whether a role is enabled does not matter: lists show what is assigned.
    """
    direct = f"a.{USER_ASSIGNMENT.column} = CAST(%(key)s AS bigint)"
    if not inherited:
        return _assigned(direct, user_id)
    groups = f"""
        SELECT c.ancestor_id FROM {MEMBERSHIPS.name} m
        JOIN authentik_core_groupclosure c ON c.descendant_id = m.group_id
        WHERE m.{MEMBERSHIPS.column} = CAST(%(key)s AS bigint) AND {_live("m")}"""
    return _inherited(f"{direct} OR a.{GROUP_ASSIGNMENT.column} IN ({groups})", user_id)


def roles_of_group(group_pk: Any, *, inherited: bool) -> QuerySet[Role]:
    """As ``roles_of_user``, through the group's ancestors and through roles."""
    group = _dialect().uuid_of.format(text="CAST(%(key)s AS text)")
    if not inherited:
        return _assigned(f"a.{GROUP_ASSIGNMENT.column} = {group}", group_pk)
    groups = f"""
        SELECT c.ancestor_id FROM authentik_core_groupclosure c WHERE c.descendant_id = {group}"""
    return _inherited(f"a.{GROUP_ASSIGNMENT.column} IN ({groups})", group_pk)


def users_holding(role: Role) -> QuerySet[User]:
    """Who holds a role now, within scopes or without: themselves, through groups and those above,
    and through roles that hold it.
    """
    key = _dialect().uuid_of.format(text="CAST(%(key)s AS text)")
    assignments = f"holding JOIN {ROLE_ASSIGNMENT.name} a ON a.role_id = holding.role_id"
    # UNION ends circles, as below.
    text = f"""
        WITH RECURSIVE holding(role_id) AS (
            SELECT {key}
            UNION
            SELECT a.{ROLE_ASSIGNMENT.column} FROM {assignments}
            WHERE a.{ROLE_ASSIGNMENT.column} IS NOT NULL AND {_live("a")}
        )
        SELECT a.{USER_ASSIGNMENT.column} FROM {assignments}
        WHERE a.{USER_ASSIGNMENT.column} IS NOT NULL AND {_live("a")}
        UNION
        SELECT m.{MEMBERSHIPS.column} FROM {assignments}
        JOIN authentik_core_groupclosure c ON c.ancestor_id = a.{GROUP_ASSIGNMENT.column}
        JOIN {MEMBERSHIPS.name} m ON m.group_id = c.descendant_id
        WHERE {_live("a")} AND {_live("m")}"""
    return User.objects.filter(pk__in=running.subquery(text, {"key": str(role.pk), "at": None}))


def _assigned(condition: str, key: Any) -> QuerySet[Role]:
    return _roles(f"SELECT a.role_id {_from(condition)}", key)


def _inherited(condition: str, key: Any) -> QuerySet[Role]:
    # UNION ends circles of roles, which only rows from elsewhere can make.
    text = f"""
        WITH RECURSIVE held(role_id) AS (
            SELECT a.role_id {_from(condition)}
            UNION
            SELECT a.role_id FROM held
            JOIN {ROLE_ASSIGNMENT.name} a ON a.{ROLE_ASSIGNMENT.column} = held.role_id
            WHERE a.scope_id IS NULL AND {_live("a")}
        ) SELECT role_id FROM held"""
    return _roles(text, key)


def _from(condition: str) -> str:
    return f"""
        FROM {USER_ASSIGNMENT.name} a
        WHERE a.scope_id IS NULL AND {_live("a")} AND ({condition})"""


def _roles(text: str, key: Any) -> QuerySet[Role]:
    return Role.objects.filter(pk__in=running.subquery(text, {"key": str(key), "at": None}))


def _dialect() -> Dialect:
    return DIALECTS[connection.vendor]


def _live(row: str) -> str:
    return sql.Statements(_dialect()).live(row)


def _stands(row: str, state: State) -> str:
    """``accounts.facts.in_state`` for statements."""
    now = _dialect().now
    match state:
        case State.ACTIVE:
            return _live(row)
        case State.FUTURE:
            return f"{row}.valid_from > {now}"
        case State.ENDED:
            return f"{row}.valid_until <= {now}"
    return "1 = 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grantees:
    """Users or roles, as those who were granted something: in which tables, and how their keys are
    read and written.

    ``key`` and ``shown`` name the patterns of ``Dialect`` for that; without ``shown`` a key is
    written as it is stored.
    """

    global_grants: FactTable
    object_grants: FactTable
    key: str
    shown: str | None = None


USERS = Grantees(
    global_grants=USER_GLOBAL,
    object_grants=USER_OBJECT,
    key="integer_of",
)
ROLES = Grantees(
    global_grants=ROLE_GLOBAL,
    object_grants=ROLE_OBJECT,
    key="uuid_of",
    shown="uuid_text",
)


class WrittenGrants(NamedTuple):
    """Some grants of one permission to one grantee: ``json`` has as many as ``grants`` says, with
    commas between, as the database wrote them. For a page of thousands that takes a fraction of the
    time that as many rows take.

    Those on objects come in the order of the objects. Each global one comes alone, and so does each
    on an object from a database that cannot put texts together in an order.
    """

    on_objects: bool
    grantee: Any
    grants: int
    app_label: str
    model: str
    codename: str
    json: str


def users_granted(
    app_label: Any, model: Any, object_pk: Any = None, state: State = State.ACTIVE
) -> RawSQL:
    """Keys of users with a grant of any permission of a type; present superusers among them when
    the ``state`` takes in grants that count now.

    With ``object_pk`` object grants count on that object only, else on any. The values may be of
    type ``Parameter``. Of a type that does not exist nobody has anything.
    """
    # From the groups that make superusers, which are few.
    superusers = f"""
        SELECT u.id FROM authentik_core_group g
        JOIN authentik_core_groupclosure c ON c.ancestor_id = g.group_uuid
        JOIN {MEMBERSHIPS.name} m ON m.group_id = c.descendant_id
        JOIN authentik_core_user u ON u.id = m.{MEMBERSHIPS.column} AND u.is_active
        WHERE g.is_superuser AND {_live("m")} AND EXISTS ({_TYPE})"""
    rows = _granted(USERS, object_pk, state)
    # Superusers are those of now, so they belong to what counts now.
    if state in (State.ACTIVE, State.ALL):
        rows = f"{rows} UNION {superusers}"
    return _subquery(rows, app_label, model, object_pk)


def roles_granted(
    app_label: Any, model: Any, object_pk: Any = None, state: State = State.ACTIVE
) -> RawSQL:
    """As ``users_granted``, for roles."""
    return _subquery(_granted(ROLES, object_pk, state), app_label, model, object_pk)


def _granted(grantees: Grantees, object_pk: Any, state: State) -> str:
    stands = _stands("g", state)
    among = f"g.permission_id {_of_type()}"
    table, column = grantees.global_grants.name, grantees.global_grants.column
    globally = f"SELECT g.{column} FROM {table} g WHERE {among} AND {stands}"
    table, column = grantees.object_grants.name, grantees.object_grants.column
    if object_pk is not None:
        return f"""{globally} UNION
        SELECT g.{column} FROM {table} g
        WHERE {among} AND g.object_pk = %(object_pk)s AND {stands}"""
    # From one grantee of a permission to the next by the index that starts with both, then a probe
    # for each: the cost follows the number of the type's grantees, not of their grants.
    grantee = f"SELECT g.{column} FROM {table} g WHERE g.permission_id"
    return f"""{globally} UNION
        SELECT granted.id FROM (
            WITH RECURSIVE grantee(permission_id, id) AS (
                SELECT p.id, ({grantee} = p.id ORDER BY g.{column} LIMIT 1)
                FROM auth_permission p WHERE p.content_type_id = ({_TYPE})
                UNION ALL
                SELECT grantee.permission_id, (
                    {grantee} = grantee.permission_id AND g.{column} > grantee.id
                    ORDER BY g.{column} LIMIT 1)
                FROM grantee WHERE grantee.id IS NOT NULL
            )
            SELECT grantee.id FROM grantee WHERE EXISTS (
                SELECT 1 FROM {table} g
                WHERE g.permission_id = grantee.permission_id AND g.{column} = grantee.id
                  AND {stands})
        ) AS granted"""


_TYPE = """SELECT t.content_type_id FROM django_content_type ct
            JOIN permissions_resourcetype t ON t.content_type_id = ct.id
            WHERE ct.app_label = %(app_label)s AND ct.model = %(model)s"""


def _of_type() -> str:
    """The permissions of the type, to stand after a column. By a list of keys in the condition of
    the index: left as a join, it may read every grant.
    """
    permissions = f"SELECT p.id FROM auth_permission p WHERE p.content_type_id = ({_TYPE})"
    return _dialect().one_of.format(rows=permissions)


def _subquery(text: str, app_label: Any, model: Any, object_pk: Any) -> RawSQL:
    rows = _dialect().looked_up.format(rows=text)
    parameters = {"app_label": app_label, "model": model, "object_pk": object_pk, "at": None}
    return running.subquery(rows, parameters)


def grants_to(
    grantees: Grantees,
    keys: Iterable[Any],
    *,
    app_label: str,
    model: str,
    object_pk: str | None,
    limit: int,
    state: State = State.ACTIVE,
) -> list[WrittenGrants]:
    """Object grants of a type, on ``object_pk`` or any, and global ones of every type.

    At most ``limit`` of each; one statement.
    """
    rows = running.rows(
        _grants_to(grantees, state, on_one=object_pk is not None),
        {
            "app_label": app_label,
            "model": model,
            "object_pk": object_pk,
            "grantees": json.dumps([str(key) for key in keys]),
            "limit": limit,
            "at": None,
        },
    )
    return [WrittenGrants(*row) for row in rows]


@cache
def _grants_to(grantees: Grantees, state: State, *, on_one: bool) -> str:
    dialect = _dialect()
    members = {
        "codename": "p.codename",
        "model": "ct.model",
        "app_label": "ct.app_label",
        "name": "p.name",
    }
    permission = " || ".join(
        f"""',"{name}":' || {dialect.json_text.format(text=column)}"""
        for name, column in members.items()
    )
    table, column = grantees.object_grants.name, grantees.object_grants.column
    on = "AND g.object_pk = %(object_pk)s" if on_one else ""
    object_pk = dialect.json_text.format(text="g.object_pk")
    # First the texts of what each grant has for itself, then between them what all of a permission
    # have in common: joined to each grant, that would cost as much as the rest.
    text = f"""g.id || ',"object_pk":' || {object_pk} || {_times()}"""
    rows = f"""
        FROM {table} g
        WHERE g.{column} {_listed(grantees)} AND g.permission_id {_of_type()} {on}
          AND {_stands("g", state)}
        ORDER BY g.{column}, g.permission_id, g.object_pk
        LIMIT %(limit)s"""
    if dialect.has_ordered_aggregates:
        texts = """array_to_string(granted.texts, common.json || '},{"id":')"""
        grants = f"""
        SELECT {_shown(grantees, column)} AS grantee, g.permission_id, COUNT(*) AS n,
               array_agg({text} ORDER BY g.object_pk) AS texts
        FROM (SELECT g.* {rows}) AS g
        GROUP BY g.{column}, g.permission_id"""
    else:
        texts = "granted.text"
        grants = f"""
        SELECT {_shown(grantees, column)} AS grantee, g.permission_id, 1 AS n, {text} AS text
        {rows}"""
    everywhere = grantees.global_grants
    return f"""
    WITH common AS MATERIALIZED (
        SELECT p.id, p.codename, {permission} AS json
        FROM auth_permission p JOIN django_content_type ct ON ct.id = p.content_type_id
        WHERE p.content_type_id = ({_TYPE}))
    SELECT TRUE, granted.grantee, granted.n, %(app_label)s, %(model)s, common.codename,
           '{{"id":' || {texts} || common.json || '}}'
    FROM ({grants}) AS granted JOIN common ON common.id = granted.permission_id
    UNION ALL
    SELECT FALSE, granted.* FROM (
        SELECT {_shown(grantees, everywhere.column)}, 1, ct.app_label, ct.model, p.codename,
               '{{"id":' || g.id || {permission} || {_times()} || '}}'
        FROM {everywhere.name} g
        JOIN auth_permission p ON p.id = g.permission_id
        JOIN django_content_type ct ON ct.id = p.content_type_id
        WHERE g.{everywhere.column} {_listed(grantees)} AND {_stands("g", state)}
        ORDER BY g.{everywhere.column}, g.permission_id
        LIMIT %(limit)s) AS granted"""


def _times() -> str:
    """The times of a grant ``g``, as members of a JSON object that has others before them."""
    written = " || ".join(
        f"""',"{name}":' || {_dialect().json_time.format(time=f"g.{name}")}""" for name in TIMES
    )
    return f"""CASE WHEN g.valid_from IS NULL AND g.valid_until IS NULL
               THEN ',"valid_from":null,"valid_until":null' ELSE {written} END"""


def _shown(grantees: Grantees, column: str) -> str:
    pattern = getattr(_dialect(), grantees.shown) if grantees.shown else "{column}"
    return str(pattern.format(column=f"g.{column}"))


def _listed(grantees: Grantees) -> str:
    dialect = _dialect()
    return dialect.one_of.format(rows=dialect.listed("grantees", getattr(dialect, grantees.key)))


class UuidText(Func):
    """A uuid column as people write it. To make a UUID in Python and write it out takes longer than
    to read the rest of the row.
    """

    arity = 1
    output_field = TextField()

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **context: Any) -> Any:
        column, values = compiler.compile(self.source_expressions[0])
        assert not values, "a column"
        return DIALECTS[connection.vendor].uuid_text.format(column=column), []
