"""Every route × method that the URL resolver knows, and what none of them may change unasked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Group, GroupMembership, SignIn, Token, User
from permissions.models import Resource, ResourceType, RoleObjectPermission, UserObjectPermission
from roles.models import Namespace, Role, RoleAssignment, Scope

METHODS = ("get", "post", "put", "patch", "delete")
FACTS = (
    User, Group, GroupMembership, Token, SignIn, Namespace, Role, RoleAssignment, Scope, Resource,
    ResourceType, RoleObjectPermission, UserObjectPermission,
)  # fmt: skip


class Route(NamedTuple):
    method: str
    path: str  # below the prefix, with {name} for each parameter
    module: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def routes_below(prefix: str) -> list[Route]:
    """``prefix`` without a slash before it, as URLconfs write it."""
    return list(_routes(get_resolver().url_patterns, prefix, ""))


def _routes(patterns: list[Any], prefix: str, above: str) -> Iterator[Route]:
    for entry in patterns:
        path = above + _written(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _routes(entry.url_patterns, prefix, path)
        elif isinstance(entry, URLPattern) and path.startswith(prefix):
            view = entry.callback
            for method in _methods_of(view):
                yield Route(method, path.removeprefix(prefix), _module_of(view))


def _written(pattern: Any) -> str:
    text = str(pattern).removeprefix("^").removesuffix("$").removesuffix(r"\Z")
    text = re.sub(r"\(\?P<(\w+)>(?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)", r"{\1}", text)
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", text).replace("\\", "")


def _methods_of(view: Any) -> list[str]:
    actions = getattr(view, "actions", None)
    if actions is not None:
        return [method for method in METHODS if method in actions]
    view_class: Any = getattr(view, "view_class", None)
    served = getattr(view_class, "http_method_names", ())
    return [method for method in METHODS if method in served and hasattr(view_class, method)]


def _module_of(view: Any) -> str:
    owner = getattr(view, "cls", None) or getattr(view, "view_class", None) or view
    return str(owner.__module__)


def everything() -> list[Any]:
    """Who and what there is; equal before and after means that a refusal refused."""
    return [
        *(sorted(map(str, model.objects.values_list("pk", flat=True))) for model in FACTS),
        *Role.objects.order_by("pk").values_list("name", "is_enabled"),
    ]
