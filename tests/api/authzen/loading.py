"""Loads a scenario as its owner would: through the service's own API."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

API = "/api/v3"


class Loader:
    """Users and roles go by the keys that their creation answers."""

    def __init__(self, client: APIClient) -> None:
        self._client = client

    def type(self, model: str, *actions: str) -> None:
        body = {"app_label": "default", "model": model, "mode": "open", "actions": actions}
        self._post("rbac/resource_types/", body, 201)

    def resources(self, model: str, *keys: str) -> None:
        items = [{"object_pk": key} for key in keys]
        path = f"rbac/resource_types/default.{model}/resources/bulk/"
        self._post(path, {"resources": items}, 200)

    def user(self, username: str, email: str = "") -> int:
        body = {"username": username, "name": username, "email": email}
        return self._post("core/users/", body, 201)["pk"]

    def role(self, name: str) -> str:
        return self._post("rbac/roles/", {"name": name}, 201)["pk"]

    def hold(self, role: str, user: int) -> None:
        self._post(f"rbac/roles/{role}/add_user/", {"pk": user}, 204)

    def grant(self, principal: int | str, action: str, model: str, key: str | None = None) -> None:
        """To a user or a role; on one resource, or without a key everywhere."""
        kind = "users" if isinstance(principal, int) else "roles"
        codename = f"{action.removesuffix(f'_{model}')}_{model}"
        body: dict[str, Any] = {"permissions": [f"default.{codename}"]}
        if key is not None:
            body |= {"model": f"default.{model}", "object_pk": key}
        self._post(f"rbac/permissions/assigned_by_{kind}/{principal}/assign/", body, 200)

    def _post(self, path: str, body: dict[str, Any], status: int) -> Any:
        response = self._client.post(f"{API}/{path}", body)
        assert response.status_code == status, (path, body, response.content)
        return response.json() if response.content else None
