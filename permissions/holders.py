"""Who was granted something on a resource: for showing it. Decisions are the engine's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from permissions.models import (
    RoleGlobalGrant,
    RoleObjectPermission,
    UserGlobalGrant,
    UserObjectPermission,
)


def holders_of(content_type_id: int, object_pk: str | None) -> Iterator[tuple[Any, str]]:
    """(("user" or "role", its key), codename) of grants that count now. Four statements.

    With a key: grants on that resource and on the whole type; without: all grants of the type.
    """
    of_type = {"permission__content_type": content_type_id}
    on = of_type if object_pk is None else {**of_type, "object_pk": object_pk}
    tables: tuple[tuple[Any, str, str, dict[str, Any]], ...] = (
        (UserGlobalGrant, "user", "user", of_type),
        (UserObjectPermission, "user", "user", on),
        (RoleGlobalGrant, "role", "role", of_type),
        (RoleObjectPermission, "role", "group", on),
    )
    for model, kind, column, condition in tables:
        rows = model.objects.active().filter(**condition).order_by()
        for pk, codename in rows.values_list(column, "permission__codename").distinct():
            yield (kind, pk), codename
