"""What a caller may try, over HTTP: every write that gives access, in a generated world."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from accounts.models import Group, User
from permissions.models import Resource
from roles.models import InitialPermissions, Role, RoleAssignment, Scope
from tests.truth.changes import (
    EMAILS,
    MOMENTS,
    NOW,
    PERMISSIONS,
    ROLES,
    THINGS,
    USERNAMES,
    Pick,
)

API = "/api/v3"
# Of types of the world, of those whose actions its callers hold all, and of none.
LABELS = ["shop", "mine", "away"]


class Attempts:
    """One write each; the answer is the response, or None where there is nothing to try."""

    def __init__(self, client: APIClient, pick: Pick) -> None:
        self.client, self.pick = client, pick

    def grant(self) -> Any:
        permission, kind = self.pick(PERMISSIONS), self.pick(["users", "roles"])
        principal = self._any(User if kind == "users" else Role)
        keys = [key for label, key in THINGS if label == permission[0]]
        key = self.pick([None, *keys])
        named = {"permissions": [permission[1]], "model": permission[0], "object_pk": key}
        if key is None:
            named = {"permissions": [f"shop.{permission[1]}"]}
        path = f"/rbac/permissions/assigned_by_{kind}/{principal}/assign/"
        return principal and self._post(path, {**named, **self._times()})

    def grant_in_bulk(self) -> Any:
        permission, user, role = self.pick(PERMISSIONS), self._any(User), self._any(Role)
        keys = [key for label, key in THINGS if label == permission[0]]
        body = {
            "users": [user] if user else [],
            "roles": [role] if role else [],
            "permissions": [permission[1]],
            "model": permission[0],
            "object_pks": list({self.pick(keys), self.pick(keys)}),
            **self._times(),
        }
        return self._post("/rbac/bulk/assign/", body)

    def assign_a_role(self) -> Any:
        kind = self.pick(["user", "user", "group", "holder_role"])
        principal = self._any({"user": User, "group": Group, "holder_role": Role}[kind])
        role, scope = self._any(Role), self.pick(["none", "named", "inline"])
        body = {"role": role, kind: principal, **self._times()}
        if scope == "named":
            body["scope"] = self._any(Scope.objects.filter(name__isnull=False))
        elif scope == "inline":
            body["inline_scope"] = self._entries()
        return role and principal and self._post("/rbac/role_assignments/", body)

    def change_an_assignment(self) -> Any:
        row = self._any(RoleAssignment)
        return row and self._patch(f"/rbac/role_assignments/{row}/", self._times(always=True))

    def give_to_a_user(self) -> Any:
        role, user = self._any(Role), self._any(User)
        return role and user and self._post(f"/rbac/roles/{role}/add_user/", {"pk": user})

    def set_a_users_roles(self) -> Any:
        user, role = self._any(User), self._any(Role)
        return user and role and self._patch(f"/core/users/{user}/", {"roles": [role]})

    def set_a_groups_roles(self) -> Any:
        group, role = self._any(Group), self._any(Role)
        return group and role and self._patch(f"/core/groups/{group}/", {"roles": [role]})

    def join(self) -> Any:
        group, user = self._any(Group), self._any(User)
        return group and user and self._post(f"/core/groups/{group}/add_user/", {"pk": user})

    def set_a_users_groups(self) -> Any:
        user, group = self._any(User), self._any(Group)
        return user and group and self._patch(f"/core/users/{user}/", {"groups": [group]})

    def set_group_parents(self) -> Any:
        group, parent = self._any(Group), self._any(Group)
        return group and self._patch(f"/core/groups/{group}/", {"parents": [parent]})

    def set_role_parents(self) -> Any:
        role, parent = self._any(Role), self._any(Role)
        return role and self.client.put(
            f"{API}/rbac/roles/{role}/parents/", {"parents": [parent]}, format="json"
        )

    def enable_a_role(self) -> Any:
        role = self._any(Role)
        return role and self._patch(f"/rbac/roles/{role}/", {"is_enabled": True})

    def change_a_scope(self) -> Any:
        scope = self._any(Scope.objects.filter(name__isnull=False))
        kind = self.pick(["all", "selected", "selected"])
        body = self._entries() if kind == "selected" else {"kind": "all", "entries": []}
        return scope and self._patch(f"/rbac/scopes/{scope}/", {"kind": kind, **body})

    def move_a_resource(self) -> Any:
        label, key = self.pick(THINGS)
        parent_type, parent = self.pick(THINGS)
        path = f"/rbac/resource_types/{label}/resources/"
        body = {"parent": parent, "parent_type": parent_type}
        if self.pick([True, False]):
            return self._post(path, {"object_pk": key, "name": key, **body})
        row = Resource.objects.filter(object_pk=key).first()
        return row and self._patch(f"{path}{row.object_pk}/", body)

    def delete_a_resource(self) -> Any:
        label, key = self.pick(THINGS)
        return self.client.delete(f"{API}/rbac/resource_types/{label}/resources/{key}/")

    def switch_a_type(self) -> Any:
        label = self.pick([label for label, _ in THINGS])
        return self._patch(
            f"/rbac/resource_types/{label}/", {"mode": self.pick(["open", "strict"])}
        )

    def make_a_rule(self) -> Any:
        role, (label, codename) = self._any(Role), self.pick(PERMISSIONS)
        named = {"codename": codename, "content_type__model": label.partition(".")[2]}
        # Gone when its namespace has another code by now.
        permission = Permission.objects.filter(content_type__app_label="shop", **named).first()
        name = f"rule {InitialPermissions.objects.count()}"
        body = {"name": name, "role": role, "permissions": [getattr(permission, "pk", None)]}
        return role and permission and self._post("/rbac/initial_permissions/", body)

    def activate(self) -> Any:
        user = self._any(User)
        return user and self._patch(f"/core/users/{user}/", {"is_active": True})

    # Names

    def name_a_user(self) -> Any:
        user, field = self._any(User), self.pick(["username", "email", "email"])
        name = self.pick([*USERNAMES, *EMAILS])
        return user and self._patch(f"/core/users/{user}/", {field: name})

    def add_a_user_with_an_id(self) -> Any:
        known = self.pick([*USERNAMES, *EMAILS, *(f"ext-{name}" for name in USERNAMES)])
        named = {"username": f"new-{known}", "externalId": known}
        return self._genauth("create-user", {**named, "email": self.pick(EMAILS)})

    def rename_a_role(self) -> Any:
        role = self._any(Role)
        return role and self._patch(f"/rbac/roles/{role}/", {"name": self.pick(ROLES)})

    def recode_a_role(self) -> Any:
        code, new = self.pick(ROLES), self.pick(ROLES)
        return self._genauth("update-role", {"code": code, "newCode": new})

    def add_a_namespace(self) -> Any:
        return self._genauth("create-namespace", {"code": self.pick(LABELS), "name": "n"})

    def rename_a_namespace(self) -> Any:
        code, new = self.pick(LABELS), self.pick(LABELS)
        return self._genauth("update-namespace", {"code": code, "newCode": new})

    def register_again(self) -> Any:
        label, key = self.pick(THINGS)
        parent_type, parent = self.pick(THINGS)
        path = f"{API}/rbac/resource_types/{label}/resources/"
        if self.client.delete(f"{path}{key}/").status_code != 204:
            return None
        body = {"object_pk": key, "parent": parent, "parent_type": parent_type}
        return self.client.post(path, body, format="json")

    # Pieces

    def _any(self, rows: Any) -> Any:
        rows = Role.objects.public() if rows is Role else getattr(rows, "objects", rows)
        # By name where there is one: keys are made at random, and a seed must repeat itself.
        order = "name" if rows.model in (Group, Role, Scope) else "pk"
        keys = list(rows.order_by(order).values_list("pk", flat=True))
        chosen = self.pick(keys) if keys else None
        return chosen if isinstance(chosen, int) or chosen is None else str(chosen)

    def _times(self, *, always: bool = False) -> dict[str, Any]:
        if not always and self.pick([True, False]):
            return {}
        until: datetime | None = self.pick([None, *(m for m in MOMENTS if m > NOW)])
        since: datetime | None = self.pick([None, None, *MOMENTS])
        if since and until and until <= since:
            since = None
        return {
            "valid_from": since and since.isoformat(),
            "valid_until": until and until.isoformat(),
        }

    def _entries(self) -> dict[str, Any]:
        label, key = self.pick(THINGS)
        entry: dict[str, Any] = {"type": label, "with_descendants": self.pick([True, False])}
        if self.pick([True, True, False]):
            entry["object_pk"] = key
        return {"entries": [entry]}

    def _post(self, path: str, body: Any) -> Any:
        return self.client.post(f"{API}{path}", body, format="json")

    def _genauth(self, operation: str, body: Any) -> Any:
        return self.client.post(f"/genauth{API}/{operation}", body, format="json")

    def _patch(self, path: str, body: Any) -> Any:
        return self.client.patch(f"{API}{path}", body, format="json")


KINDS: list[Callable[[Attempts], Any]] = [
    attempt
    for name, attempt in vars(Attempts).items()
    if callable(attempt) and not name.startswith("_")
]
# What may change whom a name means.
NAMING = (Attempts.name_a_user, Attempts.add_a_user_with_an_id)
