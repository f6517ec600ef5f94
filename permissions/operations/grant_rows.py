"""Rows of grants: those that are there, and new ones, each written together with its event."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from django.contrib.auth.models import Permission
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import ExpressionWrapper, F, IntegerField

from accounts.facts import Window
from accounts.models import User
from audit.models import EventKind
from audit.operations import Entry, insertion, record_many, shared
from permissions.engine import Parameter, Statement, rows
from permissions.models.fact_tables import FactTable, GrantRow, grant_facts, grants_to
from roles.models import Role

KEYS_READ = 500

# Principal, permission and resource of a grant, by their keys.
GrantKey: TypeAlias = tuple[Any, int, str | None]


class Grant(NamedTuple):
    """Who may do what, on one resource of the permission's type or (None) everywhere.

    The permission comes with its content type loaded.
    """

    principal: User | Role
    permission: Permission
    object_pk: str | None

    @property
    def key(self) -> GrantKey:
        return self.principal.pk, self.permission.pk, self.object_pk


def rows_there(grants: Iterable[Grant]) -> dict[GrantKey, GrantRow]:
    """Rows of these, all of one table, and of others among the same principals, permissions and
    resources; locked: nobody changes or deletes them before we have.
    """
    grants = list(grants)
    principals = {grant.principal.pk: grant.principal for grant in grants}
    permissions = {grant.permission.pk: grant.permission for grant in grants}
    keys = dict.fromkeys(grant.object_pk for grant in grants)
    return rows_among(list(principals.values()), list(permissions.values()), list(keys))


def rows_among(
    principals: Sequence[User | Role],
    permissions: Sequence[Permission],
    keys: Sequence[str | None],
) -> dict[GrantKey, GrantRow]:
    """Rows of any of the principals, all of one kind, for any permission on any resource, locked:
    nobody changes or deletes them before we have.
    """
    if len(principals) == len(keys) == 1:
        return rows_of_one(principals[0], permissions, keys[0])
    if not (principals and permissions and keys):
        return {}
    table = grants_to(principals[0], by_object=keys[0] is not None)
    among = {
        f"{table.principal}__in": [principal.pk for principal in principals],
        "permission__in": [permission.pk for permission in permissions],
    }
    everywhere = table.model.objects.filter(**among).order_by("pk").select_for_update()
    rows: Iterable[Any] = everywhere
    if table.by_object:
        starts = range(0, len(keys), KEYS_READ)
        rows = chain.from_iterable(
            everywhere.filter(object_pk__in=keys[n : n + KEYS_READ]) for n in starts
        )
    return _completed(rows, table, principals, permissions)


def rows_of_one(
    principal: User | Role,
    permissions: Sequence[Permission],
    key: str | None,
    *,
    taken: bool = False,
) -> dict[GrantKey, GrantRow]:
    """As ``rows_among``, as nearly every request asks. PostgreSQL deletes what is ``taken`` with
    the same statement.
    """
    table, pks = grants_to(principal, by_object=key is not None), [one.pk for one in permissions]
    if not pks:
        return {}
    statement = _on_one(table, Parameter.room(pks), taken)
    columns = [field.attname for field in table.model._meta.concrete_fields]
    rows = (
        table.model.from_db(DEFAULT_DB_ALIAS, columns, values)
        for values in statement.rows(principal=principal.pk, object_pk=key, permission=pks)
    )
    return _completed(rows, table, [principal], permissions)


def _completed(
    rows: Iterable[GrantRow],
    table: FactTable,
    principals: Iterable[User | Role],
    permissions: Iterable[Permission],
) -> dict[GrantKey, GrantRow]:
    """With what they link to, which is at hand: an event asks for it."""
    holders = {principal.pk: principal for principal in principals}
    by_pk = {permission.pk: permission for permission in permissions}
    there: dict[GrantKey, GrantRow] = {}
    for row in rows:
        holder = getattr(row, table.column)
        setattr(row, table.principal, holders[holder])
        row.permission = by_pk[row.permission_id]
        there[holder, row.permission_id, getattr(row, "object_pk", None)] = row
    return there


@lru_cache(maxsize=256)
def _on_one(table: FactTable, room: int, taken: bool) -> Statement:
    """Grants of one principal on one resource or everywhere."""
    fields = table.model._meta
    named = {table.principal: Parameter("principal", table.holder._meta.pk)}
    if table.by_object:
        named["object_pk"] = Parameter("object_pk", fields.get_field("object_pk"))
    # A foreign key's own `in` takes values alone.
    permission = ExpressionWrapper(F("permission_id"), IntegerField())
    rows = table.model.objects.alias(given=permission).filter(
        given__in=Parameter.several("permission", room), **named
    )
    columns = [field.attname for field in fields.concrete_fields]
    statement = Statement.of(rows.order_by("pk").select_for_update().values_list(*columns))
    if not taken:
        return statement
    # Locked in the order in which everybody locks them, or two deletions could wait for each other.
    key = fields.pk.column
    deletion = f"""WITH there AS ({statement.text})
DELETE FROM {table.name} t USING there WHERE t.{key} = there.{key} RETURNING there.*"""
    return replace(statement, text=deletion)


def insert(
    table: FactTable,
    grants: Mapping[GrantKey, Grant],
    *,
    window: Window,
    note: Mapping[str, Any] | None,
    actor: User | None,
) -> tuple[dict[GrantKey, int], dict[GrantKey, GrantRow]]:
    """Write grants of one table, each with the event that tells it; the keys of the new rows.

    Also the rows that somebody else wrote meanwhile, locked and as they stand, which no event
    tells: the loser of a race gives again what the winner gave. One statement, however many.
    """
    if not grants:
        return {}, {}
    if connection.vendor != "postgresql":
        return _insert_one_by_one(table, grants, window, note, actor), {}
    words = _words(table, grants, window, note, actor)
    if len(grants) == 1:
        written: Iterable[Any] = rows(_insertion(table), words)
    else:
        # Not prepared: a plan that is kept for a few rows would be a slow one for many.
        with connection.cursor() as cursor:
            cursor.execute(_insertion(table), words)
            written = cursor.fetchall()
    keys: dict[GrantKey, int] = {}
    raced: dict[GrantKey, GrantRow] = {}
    for principal, permission, object_pk, pk, valid_from, valid_until, is_new in written:
        key = principal, permission, object_pk
        if is_new:
            keys[key] = pk
        else:
            raced[key] = _row(table, grants[key], Window(valid_from, valid_until), pk=pk)
    if raced:
        # The statement told nothing then: which of several are new is seen too late for that.
        record_many([_creation(grants[key], window, note) for key in keys], actor=actor)
    return keys, raced


def _insert_one_by_one(
    table: FactTable,
    grants: Mapping[GrantKey, Grant],
    window: Window,
    note: Mapping[str, Any] | None,
    actor: User | None,
) -> dict[GrantKey, int]:
    """On SQLite, where writing transactions exclude each other."""
    new = {key: _row(table, grant, window, granted_by=actor) for key, grant in grants.items()}
    table.model.objects.bulk_create(new.values())
    record_many([_creation(one, window, note) for one in grants.values()], actor=actor)
    return {key: row.pk for key, row in new.items()}


def _row(table: FactTable, grant: Grant, window: Window, **more: Any) -> Any:
    fields = {table.principal: grant.principal, "permission": grant.permission, **more}
    if table.by_object:
        fields["object_pk"] = grant.object_pk
        fields["content_type_id"] = grant.permission.content_type_id
    return table.model(**fields, **window._asdict())


def _creation(grant: Grant, window: Window, note: Mapping[str, Any] | None) -> Entry:
    after = {**grant_facts(grant.permission, grant.object_pk, window), **(note or {})}
    return Entry(kind=EventKind.GRANT_CREATED, target=grant.principal, after=after)


def _words(
    table: FactTable,
    grants: Mapping[GrantKey, Grant],
    window: Window,
    note: Mapping[str, Any] | None,
    actor: User | None,
) -> dict[str, Any]:
    """Each principal once, each permission on each resource once, and the pairs of these."""
    principals: dict[Any, tuple[int, User | Role]] = {}
    given: dict[tuple[int, str | None], tuple[int, Grant]] = {}
    pairs = [
        (
            principals.setdefault(principal, (len(principals) + 1, grant.principal))[0],
            given.setdefault((permission, object_pk), (len(given) + 1, grant))[0],
        )
        for (principal, permission, object_pk), grant in grants.items()
    ]
    names = [str(principal)[:400] for _, principal in principals.values()]
    facts = [grant_facts(one.permission, one.object_pk, window) for _, one in given.values()]
    return {
        **shared(actor),
        "granted_by": actor and actor.pk,
        **window._asdict(),
        "principal": list(principals),
        "name": names,
        "permission": [permission for permission, _ in given],
        "object_pk": [object_pk for _, object_pk in given],
        "content_type": [one.permission.content_type_id for _, one in given.values()],
        "after": [json.dumps({**one, **(note or {})}) for one in facts],
        "who": [who for who, _ in pairs],
        "what": [what for _, what in pairs],
    }


@cache
def _insertion(table: FactTable) -> str:
    """The parameters of ``_words`` in; (what is unique, key, times, whether it is new) out.

    The update changes nothing, but it locks the row and answers it, which DO NOTHING would not.
    Written in one order, or two who write the same would wait for each other.
    """
    key = table.holder._meta.pk.db_type(connection)
    pk = table.model._meta.pk.column
    unique, object_pk = [table.column, "permission_id"], "NULL"
    if table.by_object:
        unique, object_pk = [*unique, "object_pk"], "t.object_pk"
    columns = ", ".join([*unique, "content_type_id"] if table.by_object else unique)
    told = f"""(SELECT '{EventKind.GRANT_CREATED}' AS kind,
        '{table.holder._meta.label_lower}' AS target_type,
        {table.column}::text AS target_pk, name AS target_name, NULL::jsonb AS before, after
    FROM asked WHERE NOT EXISTS (SELECT FROM written WHERE NOT is_new) ORDER BY n) AS told"""
    return f"""WITH asked AS MATERIALIZED (
    SELECT pair.n, principal.*, given.*
    FROM unnest(%(who)s::bigint[], %(what)s::bigint[]) WITH ORDINALITY AS pair (who, what, n)
    JOIN unnest(%(principal)s::{key}[], %(name)s::text[])
        WITH ORDINALITY AS principal ({table.column}, name, who) USING (who)
    JOIN unnest(%(permission)s::integer[], %(content_type)s::integer[], %(object_pk)s::text[],
            %(after)s::jsonb[])
        WITH ORDINALITY AS given (permission_id, content_type_id, object_pk, after, what)
        USING (what)
), written AS (
    INSERT INTO {table.name} AS t
        ({columns}, valid_from, valid_until, created, granted_by_id)
    SELECT {columns}, %(valid_from)s::timestamptz, %(valid_until)s::timestamptz,
        %(told_created)s::timestamptz, %(granted_by)s::bigint
    FROM asked ORDER BY {", ".join(unique)}
    ON CONFLICT ({", ".join(unique)}) DO UPDATE SET {unique[0]} = EXCLUDED.{unique[0]}
    RETURNING t.{table.column}, t.permission_id, {object_pk}, t.{pk},
        t.valid_from, t.valid_until, t.xmax = 0 AS is_new
), told AS ({insertion(told)})
SELECT * FROM written"""
