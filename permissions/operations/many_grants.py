"""Many grants at once: every permission, on every resource, to every principal, or none of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import product
from typing import Any

from django.contrib.auth.models import Permission
from django.db import transaction

from accounts.models import User
from audit.errors import InvalidInput, TooLarge
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.engine import (
    ResourceRef,
    canonical_pk,
    held,
    require_grants,
    require_type,
    resolve,
)
from permissions.models import (
    Resource,
    ResourceMode,
    RoleGlobalGrant,
    RoleObjectPermission,
    UserGlobalGrant,
    UserObjectPermission,
    python_model,
)
from permissions.operations.grants import delete_grants, grant_facts, require_times
from roles.models import Role

MOST_FACTS = 10_000
BATCH = 500


class Outcome(StrEnum):
    GRANTED = "granted"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REVOKED = "revoked"
    NOT_HELD = "not_held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What became of one permission of one principal; no ``object_pk`` is everywhere."""

    principal: User | Role
    permission: Permission
    object_pk: str | None
    outcome: Outcome


Fact = tuple[Any, int, str | None]


@transaction.atomic
def assign_many(
    *,
    principals: Sequence[User | Role],
    names: Sequence[str],
    model: str | None,
    object_pks: Sequence[str] | None,
    actor: User | None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> list[Item]:
    """At most 10,000 facts; what exists takes on the times given, or none.

    A fixed number of statements per 500 facts. Raises InvalidInput, GrantCeiling, TooLarge, and
    writes nothing then.
    """
    require_times(valid_from, valid_until)
    permissions, keys = _resolved(principals, names, model, object_pks)
    wanted = [
        (permission, None if key is None else ResourceRef(str(model), key))
        for permission, key in product(permissions, keys)
    ]
    require_grants(actor=actor, wanted=wanted)
    _require_resources(model, keys)
    times = {"valid_from": valid_from, "valid_until": valid_until}
    items: list[Item] = []
    for kind in (User, Role):
        chosen = [principal for principal in principals if isinstance(principal, kind)]
        items += _assign(chosen, permissions, keys, times, actor=actor)
    return items


@transaction.atomic
def revoke_many(
    *,
    principals: Sequence[User | Role],
    names: Sequence[str],
    model: str | None,
    object_pks: Sequence[str] | None,
    actor: User | None,
) -> list[Item]:
    """At most 10,000 facts; what is not held is told, and is no error."""
    permissions, keys = _resolved(principals, names, model, object_pks)
    items: list[Item] = []
    for kind in (User, Role):
        chosen = [principal for principal in principals if isinstance(principal, kind)]
        rows = _rows(chosen, permissions, keys)
        delete_grants(list(rows.values()), actor=actor)
        for principal, permission, key in product(chosen, permissions, keys):
            held = (principal.pk, permission.pk, key) in rows
            items.append(
                Item(
                    principal=principal,
                    permission=permission,
                    object_pk=key,
                    outcome=Outcome.REVOKED if held else Outcome.NOT_HELD,
                )
            )
    return items


def _resolved(
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
        keys = list(dict.fromkeys(_keys(model, object_pks)))
    if not keys:
        return [], []
    resolved = resolve(names=names, model=model, object_pk=keys[0])
    return list({p.pk: p for p in resolved.permissions}.values()), keys


def _keys(model: str, object_pks: Sequence[str]) -> Iterable[str]:
    for n, key in enumerate(object_pks):
        try:
            yield canonical_pk(model, key)
        except InvalidInput as error:
            faults = (error.fields or {}).get("object_pk")
            raise InvalidInput(fields={"object_pks": {str(n): faults}}) from None


def _require_resources(label: str | None, keys: Sequence[str | None]) -> None:
    """Every key names a resource, which stays with us, or the type takes any."""
    if label is None:
        return
    model: Any = python_model(label)
    kind = require_type(label)
    if model is None and kind.mode == ResourceMode.OPEN:
        return
    known: set[str] = set()
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        if model is not None:
            found = model._default_manager.filter(pk__in=batch).values_list("pk", flat=True)
            known.update(map(str, found))
        else:
            rows = held(Resource.objects.filter(type=kind, object_pk__in=batch))
            known.update(key for _, key in rows)
    faults = {str(n): [f"No {label} has this key."] for n, k in enumerate(keys) if k not in known}
    if faults:
        raise InvalidInput(fields={"object_pks": faults})


def _assign(
    principals: Sequence[Any],
    permissions: Sequence[Permission],
    keys: Sequence[str | None],
    times: dict[str, datetime | None],
    *,
    actor: User | None,
) -> list[Item]:
    if not principals or not keys:
        return []
    table, column = _table(principals[0], keys)
    rows = _rows(principals, permissions, keys)
    items, created, changed, entries = [], [], [], []
    for principal, permission, key in product(principals, permissions, keys):
        row = rows.get((principal.pk, permission.pk, key))
        if row is None:
            row = table(permission=permission, granted_by=actor, **{column: principal}, **times)
            if key is not None:
                row.object_pk, row.content_type_id = key, permission.content_type_id
            created.append(row)
            outcome, before = Outcome.GRANTED, None
        elif {name: getattr(row, name) for name in times} == times:
            outcome = Outcome.UNCHANGED
        else:
            outcome, before = Outcome.CHANGED, grant_facts(row, permission)
            row.valid_from, row.valid_until = times["valid_from"], times["valid_until"]
            changed.append(row)
        if outcome != Outcome.UNCHANGED:
            is_new = outcome == Outcome.GRANTED
            entries.append(
                Entry(
                    kind=EventKind.GRANT_CREATED if is_new else EventKind.GRANT_CHANGED,
                    target=principal,
                    before=before,
                    after=grant_facts(row, permission),
                )
            )
        items.append(
            Item(principal=principal, permission=permission, object_pk=key, outcome=outcome)
        )
    table.objects.bulk_create(created, batch_size=BATCH, ignore_conflicts=True)
    table.objects.bulk_update(changed, list(times), batch_size=BATCH)
    record_many(entries, actor=actor)
    return items


def _rows(
    principals: Sequence[Any], permissions: Sequence[Permission], keys: Sequence[str | None]
) -> dict[Fact, Any]:
    """The grants there are, by what they say."""
    if not principals or not keys:
        return {}
    table, column = _table(principals[0], keys)
    found: dict[Fact, Any] = {}
    wanted = {
        f"{column}__in": [principal.pk for principal in principals],
        "permission__in": [permission.pk for permission in permissions],
    }
    related = ("permission__content_type", column)
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        rows = table.objects.filter(**wanted).select_related(*related)
        if batch != [None]:
            rows = rows.filter(object_pk__in=batch)
        for row in rows:
            key = getattr(row, "object_pk", None)
            found[getattr(row, f"{column}_id"), row.permission_id, key] = row
    return found


def _table(principal: User | Role, keys: Sequence[str | None]) -> tuple[Any, str]:
    everywhere = list(keys) == [None]
    if isinstance(principal, User):
        return (UserGlobalGrant if everywhere else UserObjectPermission), "user"
    return (RoleGlobalGrant, "role") if everywhere else (RoleObjectPermission, "group")
