"""Giving permissions to users and roles, everywhere or on resources, and taking them away.

Whatever gives goes the same way: the resources are kept from being deleted, what is to change is
found, the ceiling judges that, and all of it is written, one grant or ten thousand (``_Giving``).
Whatever takes away ends in ``delete_grants``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import chain, product
from typing import Any, NamedTuple

from django.contrib.auth.models import Permission
from django.db import connection, transaction

from accounts.facts import ALWAYS, Asked, Window
from accounts.models import Group, User
from audit.errors import Conflict, InvalidInput, TooLarge
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.engine import (
    ResourceRef,
    canonical_pk,
    require_grants,
    require_type,
    resource_exists,
)
from permissions.models import ResourceMode, python_model
from permissions.models.fact_tables import (
    ROLE_GLOBAL,
    FactTable,
    GrantRow,
    ObjectGrantRow,
    grants_like,
    grants_to,
)
from permissions.operations.facts import save_times, window_after
from permissions.operations.grant_rows import (
    Grant,
    GrantKey,
    insert,
    rows_among,
    rows_of_one,
    rows_there,
)
from permissions.operations.group_roles import own_roles
from permissions.operations.locks import Precondition, keep_keys, keep_resource
from permissions.operations.resolving import no_such, resolve
from roles.models import Role

MOST_FACTS = 10_000


class Outcome(StrEnum):
    GRANTED = "granted"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REVOKED = "revoked"
    NOT_HELD = "not_held"


class GrantOutcome(NamedTuple):
    """What became of a grant, and the key of its row if it was given; 0 if it was taken."""

    grant: Grant
    outcome: Outcome
    pk: int = 0


@transaction.atomic
def assign_permissions(
    *,
    principal: User | Role,
    names: Sequence[str],
    model: str | None,
    object_pk: str | None,
    actor: User | None,
    window: Window | None = None,
) -> list[int]:
    """One id per name, in order: the permission's for a global grant, else the grant row's.

    What exists keeps its row and is never narrower afterwards: see ``accounts.facts.Asked``.
    Raises InvalidInput, Conflict and GrantCeiling; nothing is written then.
    """
    asked = Asked.at_once(window)
    resolved = resolve(names=names, model=model, object_pk=object_pk, grantee=principal)
    resource = resolved.resource
    key = resource.id if resource else None
    grants = [Grant(principal, permission, key) for permission in resolved.permissions]
    giving = _Giving.of(grants, asked, there=None if resolved.held else {})
    # The ceiling speaks before anybody learns from the answer what exists.
    giving.require_held(actor)
    if resource is not None and not resolved.exists:
        raise no_such(resource)
    outcomes = giving.write(actor)
    if resource is None:
        return [permission.pk for permission in resolved.permissions]
    return [outcomes[grant.key].pk for grant in grants]


@transaction.atomic
def assign_many(
    *,
    principals: Sequence[User | Role],
    names: Sequence[str],
    model: str | None,
    object_pks: Sequence[str] | None,
    actor: User | None,
    window: Window | None = None,
) -> list[GrantOutcome]:
    """Every permission, on every resource, to every principal; see ``assign_permissions``.

    At most 10,000 grants, with a fixed number of statements per 500 resources. Raises InvalidInput,
    Conflict, GrantCeiling, TooLarge, and writes nothing then.
    """
    asked = Asked.at_once(window)
    permissions, keys = _resolve_many(principals, names, model, object_pks)
    grants = [Grant(*grant) for grant in product(principals, permissions, keys)]
    missing = _keep_all(model, keys)
    giving = _Giving.of(grants, asked)
    giving.require_held(actor)
    if missing:
        raise InvalidInput(fields={"object_pks": missing})
    outcomes = giving.write(actor)
    return [outcomes[grant.key] for grant in grants]


@transaction.atomic
def unassign_permissions(
    *,
    principal: User | Role,
    names: Sequence[str],
    model: str | None,
    object_pk: str | None,
    actor: User | None,
) -> None:
    """Take the named grants away; what is not held, or lies on what is gone, is no error, and
    nothing else is touched. Raises InvalidInput.
    """
    resolved = resolve(names=names, model=model, object_pk=object_pk)
    key = resolved.resource.id if resolved.resource else None
    _take([principal], resolved.permissions, [key], actor)


@transaction.atomic
def revoke_many(
    *,
    principals: Sequence[User | Role],
    names: Sequence[str],
    model: str | None,
    object_pks: Sequence[str] | None,
    actor: User | None,
) -> list[GrantOutcome]:
    """At most 10,000 grants; what is not held is told, and is no error."""
    permissions, keys = _resolve_many(principals, names, model, object_pks)
    outcomes = []
    for kind in (User, Role):
        of_kind = [principal for principal in principals if isinstance(principal, kind)]
        rows = _take(of_kind, permissions, keys, actor)
        for grant in (Grant(*grant) for grant in product(of_kind, permissions, keys)):
            held = grant.key in rows
            outcomes.append(GrantOutcome(grant, Outcome.REVOKED if held else Outcome.NOT_HELD))
    return outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactGrants:
    """All that a principal is granted on one resource of a type, or without key on all of them.

    A group's grants are kept in its own role. ``permissions`` are of the type, with their content
    types loaded; none takes everything away.
    """

    principal: User | Role | Group
    content_type_id: int
    object_pk: str | None
    permissions: tuple[Permission, ...]


@transaction.atomic
def replace_grants(*, exactly: Iterable[ExactGrants], actor: User | None) -> None:
    """All or none, with a fixed number of statements; the same resource named twice adds up.

    What stays keeps its times. Raises GrantCeiling for what is added; taking away meets no ceiling.
    """
    exactly = list(exactly)
    groups = {to.pk: to for to in (one.principal for one in exactly) if isinstance(to, Group)}
    roles = own_roles(groups=list(groups.values()), actor=actor) if groups else {}
    by_table: dict[FactTable, list[ExactGrants]] = defaultdict(list)
    grants: dict[GrantKey, Grant] = {}
    for one in exactly:
        to = roles[one.principal.pk] if isinstance(one.principal, Group) else one.principal
        table = grants_to(to, by_object=one.object_pk is not None)
        by_table[table].append(replace(one, principal=to))
        of_one = [Grant(to, permission, one.object_pk) for permission in one.permissions]
        grants |= {grant.key: grant for grant in of_one}
    there: dict[GrantKey, GrantRow] = {}
    for table, named in by_table.items():
        there |= _rows_named(table, named)
    giving = _Giving.of(grants.values(), Asked.at_once(), there=there)
    giving.require_held(actor)
    for table in by_table:
        gone = [row for key, row in there.items() if key not in grants]
        delete_grants([row for row in gone if grants_like(row) is table], actor=actor)
    giving.write(actor)


@transaction.atomic
def change_role_permissions(
    *,
    role: Role,
    added: Iterable[Permission],
    removed: Iterable[Permission],
    actor: User | None,
) -> None:
    """Global grants of the role; those neither added nor removed keep their times.

    Raises GrantCeiling.
    """
    grants = [Grant(role, permission, None) for permission in added]
    giving = _Giving.of(grants, Asked.at_once())
    giving.require_held(actor)
    gone = ROLE_GLOBAL.model.objects.filter(role=role, permission__in=list(removed))
    delete_grants(list(ROLE_GLOBAL.locked(gone)), actor=actor)
    giving.write(actor)


@transaction.atomic
def move_object_grant(
    *,
    grant: ObjectGrantRow,
    object_pk: str,
    actor: User | None,
    precondition: Precondition | None = None,
) -> ObjectGrantRow:
    """Let an existing grant speak of another resource of the same type.

    Raises InvalidInput for a missing or malformed key, GrantCeiling when the actor does not hold
    the permission there, Conflict when the grantee has it already. The row keeps its id.
    """
    content_type = grant.permission.content_type
    label = f"{content_type.app_label}.{content_type.model}"
    resource = ResourceRef(label, canonical_pk(label, object_pk))
    exists = resource_exists(resource) and keep_resource(resource)
    table = grants_like(grant)
    if precondition is not None:
        precondition()
    grant = table.reread(grant)
    if grant.object_pk == resource.id:
        return grant
    require_grants(actor=actor, grants=[(grant.permission, resource)], window=grant.window)
    if not exists:
        raise no_such(resource)
    principal = getattr(grant, table.principal)
    same = {table.principal: principal, "permission": grant.permission, "object_pk": resource.id}
    if table.model.objects.filter(**same).exclude(pk=grant.pk).exists():
        raise Conflict(fields={"object_pk": ["This permission is granted on that object already."]})
    before = table.audit_facts(grant)
    grant.object_pk = str(resource.id)
    table.model.objects.filter(pk=grant.pk).update(object_pk=grant.object_pk)
    after = table.audit_facts(grant)
    changed = Entry(kind=EventKind.GRANT_CHANGED, target=principal, before=before, after=after)
    record_many([changed], actor=actor)
    return grant


@transaction.atomic
def change_object_grant(
    *, grant: ObjectGrantRow, actor: User | None, **times: datetime | None
) -> ObjectGrantRow:
    """Let a grant begin at ``valid_from`` or count until ``valid_until``, which may shorten,
    postpone or end it; what is not given stays.

    Raises InvalidInput for an end before its start, NotFound when it is gone, and GrantCeiling
    when it would count at a time it did not and the actor does not hold the permission throughout.
    """
    table = grants_like(grant)
    grant = table.reread(grant)
    window = window_after(grant, times)
    if grant.window == window:
        return grant
    if not grant.window.contains(window):
        kind = grant.permission.content_type
        resource = ResourceRef(f"{kind.app_label}.{kind.model}", grant.object_pk)
        require_grants(actor=actor, grants=[(grant.permission, resource)], window=window)
    before = table.audit_facts(grant)
    grant.valid_from, grant.valid_until = window
    save_times(table, [grant])
    after, target = table.audit_facts(grant), getattr(grant, table.principal)
    changed = Entry(kind=EventKind.GRANT_CHANGED, target=target, before=before, after=after)
    record_many([changed], actor=actor)
    return grant


@transaction.atomic
def delete_object_grant(*, grant: ObjectGrantRow, actor: User | None) -> None:
    """Raises NotFound when somebody else deleted it meanwhile."""
    delete_grants([grants_like(grant).reread(grant)], actor=actor)


def write_grants(
    grants: Iterable[Grant],
    *,
    actor: User | None,
    there: Mapping[GrantKey, GrantRow] | None = None,
    note: Mapping[str, Any] | None = None,
) -> None:
    """Give what follows from a rule and not from somebody's wish: without asking the ceiling.

    ``there`` are the rows that are there already, looked up unless the caller knows them; ``note``
    is what events say besides. Call in a transaction.
    """
    _Giving.of(grants, Asked.at_once(), there=there).write(actor, note=note)


@dataclass(slots=True)
class _Renewed:
    """A grant that is there and given again: its row as it is to be, and what it was before."""

    table: FactTable
    grant: Grant
    row: GrantRow
    before: dict[str, Any]
    stays: bool

    @classmethod
    def of(cls, table: FactTable, grant: Grant, row: GrantRow, asked: Asked) -> _Renewed:
        window, before = asked.given_to(row.window), table.audit_facts(row)
        stays = row.window == window
        row.valid_from, row.valid_until = window
        return cls(table, grant, row, before, stays)

    def entry(self, note: Mapping[str, Any] | None) -> Entry:
        after = {**self.table.audit_facts(self.row), **(note or {})}
        target = self.grant.principal
        return Entry(kind=EventKind.GRANT_CHANGED, target=target, before=self.before, after=after)


class _Giving(NamedTuple):
    """The one writer of grants, in two steps: what is to change is found, and written later, so
    that the ceiling is asked in between about what changes and nothing else.
    """

    asked: Asked
    new: dict[FactTable, dict[GrantKey, Grant]]
    renewed: list[_Renewed]

    @classmethod
    def of(
        cls,
        grants: Iterable[Grant],
        asked: Asked,
        *,
        there: Mapping[GrantKey, GrantRow] | None = None,
    ) -> _Giving:
        """Raises InvalidInput and Conflict for times that cannot be given."""
        by_table: dict[FactTable, dict[GrantKey, Grant]] = defaultdict(dict)
        for grant in grants:
            table = grants_to(grant.principal, by_object=grant.object_pk is not None)
            by_table[table][grant.key] = grant
        giving = cls(asked, {}, [])
        for table, of_table in by_table.items():
            rows = rows_there(of_table.values()) if there is None else there
            giving.new[table] = {key: one for key, one in of_table.items() if key not in rows}
            giving.renewed.extend(
                _Renewed.of(table, grant, rows[key], asked)
                for key, grant in of_table.items()
                if key in rows
            )
        return giving

    def require_held(self, actor: User | None) -> None:
        """The grant ceiling, each permission on each resource once."""
        on_each: dict[tuple[int, str | None], tuple[Permission, ResourceRef | None]] = {}
        changed = [one.grant for one in self.renewed if not one.stays]
        new = (of_table.values() for of_table in self.new.values())
        for _, permission, object_pk in chain(*new, changed):
            if (permission.pk, object_pk) not in on_each:
                kind = permission.content_type
                label = f"{kind.app_label}.{kind.model}"
                resource = None if object_pk is None else ResourceRef(label, object_pk)
                on_each[permission.pk, object_pk] = permission, resource
        window = self.asked.window or ALWAYS
        require_grants(actor=actor, grants=on_each.values(), window=window)

    def write(
        self, actor: User | None, *, note: Mapping[str, Any] | None = None
    ) -> dict[GrantKey, GrantOutcome]:
        """An event for each that is new or changed, and none for others."""
        outcomes: dict[GrantKey, GrantOutcome] = {}
        renewed = list(self.renewed)
        for table, grants in self.new.items():
            keys, raced = insert(
                table, grants, window=self.asked.given_to(None), note=note, actor=actor
            )
            for key, grant in grants.items():
                if key in keys:
                    outcomes[key] = GrantOutcome(grant, Outcome.GRANTED, keys[key])
                else:
                    # Somebody else gave the same meanwhile: this gives it once more.
                    renewed.append(_Renewed.of(table, grant, raced[key], self.asked))
        changed: dict[FactTable, list[_Renewed]] = defaultdict(list)
        for one in renewed:
            outcome = Outcome.UNCHANGED if one.stays else Outcome.CHANGED
            outcomes[one.grant.key] = GrantOutcome(one.grant, outcome, one.row.pk)
            if not one.stays:
                changed[one.table].append(one)
        for table, of_table in changed.items():
            save_times(table, [one.row for one in of_table])
            record_many([one.entry(note) for one in of_table], actor=actor)
        return outcomes


def delete_grants(rows: Sequence[GrantRow], *, actor: User | None) -> None:
    """Delete rows of one table, an event each; they have been read ``locked`` in this transaction,
    so that events tell what was there.
    """
    if rows:
        table = grants_like(rows[0])
        table.model.objects.filter(pk__in=[row.pk for row in rows]).delete()
        record_many(map(_deletion, rows), actor=actor)


def _deletion(row: GrantRow) -> Entry:
    table = grants_like(row)
    target, before = getattr(row, table.principal), table.audit_facts(row)
    return Entry(kind=EventKind.GRANT_DELETED, target=target, before=before)


@transaction.atomic
def update_object_grant(
    *,
    grant: ObjectGrantRow,
    actor: User | None,
    object_pk: str | None = None,
    precondition: Precondition | None = None,
    **times: datetime | None,
) -> ObjectGrantRow:
    """Both ``move_object_grant`` and ``change_object_grant``, or neither."""
    if object_pk is not None:
        grant = move_object_grant(
            grant=grant, object_pk=object_pk, actor=actor, precondition=precondition
        )
    elif precondition is not None:
        precondition()
    return change_object_grant(grant=grant, actor=actor, **times)


def _take(
    principals: Sequence[User | Role],
    permissions: Sequence[Permission],
    keys: Sequence[str | None],
    actor: User | None,
) -> dict[GrantKey, GrantRow]:
    """What the principals, all of one kind, had of these, and have not any more."""
    if connection.vendor == "postgresql" and len(principals) == len(keys) == 1:
        rows = rows_of_one(principals[0], permissions, keys[0], taken=True)
        record_many(map(_deletion, rows.values()), actor=actor)
    else:
        rows = rows_among(principals, permissions, keys)
        delete_grants(list(rows.values()), actor=actor)
    return rows


def _rows_named(table: FactTable, exactly: Sequence[ExactGrants]) -> dict[GrantKey, GrantRow]:
    """Every grant of these principals on these resources, locked. One statement."""
    named = {(one.principal.pk, one.content_type_id, one.object_pk) for one in exactly}
    principals, content_types, keys = zip(*named, strict=True)
    among = {
        f"{table.principal}__in": set(principals),
        "permission__content_type__in": set(content_types),
    }
    if table.by_object:
        among["object_pk__in"] = set(keys)
    rows = table.locked(table.model.objects.filter(**among))
    there: dict[GrantKey, GrantRow] = {}
    for row in rows:
        holder, key = getattr(row, table.column), getattr(row, "object_pk", None)
        # Principals times types times keys holds more than what is named.
        if (holder, row.permission.content_type_id, key) in named:
            there[holder, row.permission_id, key] = row
    return there


def _resolve_many(
    principals: Sequence[User | Role],
    names: Sequence[str],
    model: str | None,
    object_pks: Sequence[str] | None,
) -> tuple[list[Permission], list[str | None]]:
    """Each permission and each key once; the one key None is everywhere."""
    if (model is None) != (object_pks is None):
        message = "The fields model, object_pks must be used together."
        raise InvalidInput(fields={"non_field_errors": [message]})
    if len(principals) * len(names) * len(object_pks or [""]) > MOST_FACTS:
        raise TooLarge(f"At most {MOST_FACTS} grants are allowed in one request.")
    keys: list[str | None] = [None]
    if model is not None and object_pks is not None:
        require_type(model)
        keys = list(dict.fromkeys(_canonical(model, object_pks)))
    if not keys:
        return [], []
    resolved = resolve(names=names, model=model, object_pk=keys[0])
    return list({p.pk: p for p in resolved.permissions}.values()), keys


def _canonical(model: str, object_pks: Sequence[str]) -> Iterator[str]:
    for n, key in enumerate(object_pks):
        try:
            yield canonical_pk(model, key)
        except InvalidInput as error:
            faults = (error.fields or {}).get("object_pk")
            raise InvalidInput(fields={"object_pks": {str(n): faults}}) from None


def _keep_all(label: str | None, keys: Sequence[str | None]) -> dict[str, list[str]]:
    """What is wrong with keys, by position: every key names a resource, which stays with us then,
    or the type takes any.
    """
    if label is None:
        return {}
    kind = require_type(label)
    label = kind.label
    if python_model(label) is None and kind.mode == ResourceMode.OPEN:
        return {}
    there = keep_keys(kind, [key for key in keys if key is not None])
    return {str(n): [f"No {label} has this key."] for n, k in enumerate(keys) if k not in there}
