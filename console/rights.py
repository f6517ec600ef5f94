"""What the caller may do on the pages of the console, asked once for each request."""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any, TypeVar

from django.db.models import Exists, Model, QuerySet
from django.http import HttpRequest

from accounts.models import Group, Token, User
from audit.models import Event
from permissions import engine
from permissions.engine import Question, ResourceRef, SubjectRef
from permissions.models import Resource, ResourceType
from roles.models import (
    InitialPermissions,
    Namespace,
    Role,
    RoleAssignment,
    Scope,
    SystemPermission,
)

M = TypeVar("M", bound=Model)
ENTER = "authentik_rbac.access_admin_interface"
CHECK_ACCESS = "authentik_rbac.check_access"
# Of the other models one sees what belongs to a row of these that one sees.
SEEN_ROW_BY_ROW: tuple[type[Model], ...] = (
    User, Group, Token, Role, RoleAssignment, Scope, Namespace, InitialPermissions, ResourceType,
    Resource,
)  # fmt: skip


class Rights:
    """One statement for every permission on our own models and on the system, however many pages
    ask; another one for whoever may view some rows of a model and not all.
    """

    def __init__(self, caller: User) -> None:
        self.caller = caller

    @classmethod
    def of(cls, request: HttpRequest) -> Rights:
        rights: Rights | None = getattr(request, "_console_rights", None)
        if rights is None or rights.caller != request.user:
            assert isinstance(request.user, User), "the pages are for those who signed in"
            rights = cls(request.user)
            request._console_rights = rights  # type: ignore[attr-defined]
        return rights

    def may(self, name: str) -> bool:
        """``app_label.codename``; of a model's permissions, on every one of its rows."""
        return name in self._held

    def may_on(self, name: str, row: Model) -> bool:
        """On every row, or on this one; a statement where it is not every one."""
        app_label, _, codename = name.partition(".")
        assert app_label == row._meta.app_label, "permissions are asked of their own models"
        on = ResourceRef(row._meta.label_lower, str(row.pk))
        return self.may(name) or engine.check(self.caller, codename, on).allowed

    def sees(self, model: type[Model]) -> bool:
        """Whether the caller may view any of the rows, and so has a use for their list."""
        return self.may(_view(model)) or model in self._seen_in_part

    def visible(self, rows: QuerySet[M], *, by: str = "pk") -> QuerySet[M]:
        """What the caller may view; no statement of its own. ``by`` names a foreign key: rows whose
        related row the caller may view.
        """
        model = rows.model if by == "pk" else rows.model._meta.get_field(by).related_model
        assert isinstance(model, type), "a foreign key"
        reach = "all" if self.may(_view(model)) else "some"
        return engine.visible(rows, user=self.caller, by=by, reach=reach).rows

    @cached_property
    def _held(self) -> frozenset[str]:
        subject = SubjectRef.of(self.caller)
        asked = _asked()
        decisions = engine.check_many(
            [Question(subject=subject, action=action, resource=on) for _, action, on in asked]
        )
        return frozenset(
            name for (name, _, _), is_it in zip(asked, decisions, strict=True) if is_it.allowed
        )

    @cached_property
    def _seen_in_part(self) -> frozenset[type[Model]]:
        hidden = [model for model in SEEN_ROW_BY_ROW if not self.may(_view(model))]
        some = {
            f"some_{n}": Exists(engine.visible(_rows(model), user=self.caller, reach="some").rows)
            for n, model in enumerate(hidden)
        }
        caller = User.objects.filter(pk=self.caller.pk)
        [row] = caller.values_list(*some.values()) if some else [()]
        return frozenset(model for model, is_it in zip(hidden, row, strict=True) if is_it)


def _view(model: type[Model]) -> str:
    return f"{model._meta.app_label}.view_{model._meta.model_name}"


def _rows(model: type[Model]) -> QuerySet[Any]:
    return model._default_manager.all()


@cache
def _asked() -> tuple[tuple[str, str, ResourceRef | None], ...]:
    """Every permission of our own: its name, and the question about it."""
    asked: list[tuple[str, str, ResourceRef | None]] = []
    models: tuple[type[Model], ...] = (*SEEN_ROW_BY_ROW, Event, SystemPermission)
    for model in models:
        meta = model._meta
        on = ResourceRef(meta.label_lower)
        codenames = [f"{verb}_{meta.model_name}" for verb in meta.default_permissions]
        codenames += [codename for codename, _ in meta.permissions]
        for codename in codenames:
            name = f"{meta.app_label}.{codename}"
            is_system = model is SystemPermission
            asked.append((name, name, None) if is_system else (name, codename, on))
    return tuple(asked)
