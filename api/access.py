"""Who may see and do what, for every view over one of the service's own models.

What a caller may not ``view`` does not exist for it: objects are 404, hidden or missing alike, and
a caller who may view nothing of a model gets 403 for all of it. Writing needs ``add_``, ``change_``
or ``delete_`` besides, globally or on the object. An action beyond these names its permissions:

    @action(detail=True, methods=["post"], target_permission="authentik_rbac.change_role")
    def add_user(self, request, pk): ...

An action that names nothing is refused to everybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, cached_property
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS
from django.db.models import (
    BooleanField,
    ExpressionWrapper,
    IntegerField,
    Model,
    Q,
    QuerySet,
    UUIDField,
    Value,
)
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.models import Group, User, UserType
from permissions import engine
from permissions.engine import (
    UUID_TEXT,
    Decision,
    Parameter,
    Question,
    ResourceRef,
    Statement,
    SubjectRef,
    visible_keys,
)
from permissions.models import related_model
from roles.models import Role

M = TypeVar("M", bound=Model)
ROWS = TypeVar("ROWS", bound=QuerySet[Any])

READING = frozenset({"list", "retrieve"})
STANDARD = READING | {"create", "update", "partial_update", "destroy"}
VERB_OF = {"POST": "add", "PUT": "change", "PATCH": "change", "DELETE": "delete"}


class ModelAccess(BasePermission):
    """The rules of this module; only for views derived from ``ModelAccessViewSet``."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            if view.detail and view.standard_action in STANDARD:
                # authentik's answer for objects; elsewhere it says that credentials are missing.
                raise PermissionDenied
            return False
        if view.action is None or view.action == "metadata":
            return True  # answered without touching any object: 405, or what the route accepts
        if view.global_permissions:
            needed = [(name, None) for name in view.global_permissions]
            return all(decision.allowed for decision in decisions_on(view.caller, needed))
        if view.target_permission:
            return view.may_act_on_target()
        if view.standard_action == "create":
            return bool(view.may_create())
        return view.standard_action in STANDARD

    def has_object_permission(self, request: Request, view: Any, obj: Model) -> bool:
        """Only asked for standard actions; the object has been found among the visible ones."""
        verb = VERB_OF.get(request.method or "")
        if verb is None or view.standard_action in READING:
            return True
        return all(allowed(request.user, name, on) for name, on in view.needed(verb, obj))


class CallerAccess(BasePermission):
    """Open to every authenticated caller."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated and view.detail:
            raise PermissionDenied
        return bool(request.user.is_authenticated)


class CallerView(APIView):
    """What a view of any door asks about who calls it; see the rules of this module."""

    # What a caller is told who lacks the right to an ``action``; None leaves it to the framework.
    refusal: str | None = None
    # The foreign key whose row decides, by its own view permission, who sees a row.
    seen_by: str = "pk"
    # On how many rows the caller has the view permission, if that is known: see ``engine.visible``.
    reach: Any = None

    @property
    def caller(self) -> User:
        assert isinstance(self.request.user, User), "only authenticated callers get here"
        return self.request.user

    def visible(self, queryset: QuerySet[M]) -> QuerySet[M]:
        """What the caller may view; one statement at once, unless the ``reach`` is known.

        A caller who may view none is refused, unless it is internal.
        """
        seen = engine.visible(queryset, user=self.caller, by=self.seen_by, reach=self.reach)
        if seen.reach == "none" and self.caller.type != UserType.INTERNAL_SERVICE_ACCOUNT:
            raise PermissionDenied
        return seen.rows

    def require_each(self, action: str, rows: Iterable[Model]) -> None:
        """A codename, held globally or on each of the rows; one statement."""
        if not engine.may_each(self.caller, action, rows):
            raise PermissionDenied(self.refusal and self.refusal.format(action=action))


class ModelAccessViewSet(CallerView, GenericViewSet):
    """Base of the viewsets over one model. Attributes may be set per action, by ``@action(…)``.

    * ``target_permission``: ``app.codename``, held globally or on the object of the path. Its view
      permission is not needed. Of a missing object only global holders learn that it is missing.
    * ``global_permissions``: all of them must be held globally.
    * ``acts_as``: the standard action whose rules an action follows, such as "retrieve".
    """

    permission_classes = (ModelAccess,)
    target_permission: str = ""
    global_permissions: tuple[str, ...] = ()
    acts_as: str = ""
    _target: Model | None = None

    @property
    def standard_action(self) -> str:
        return self.acts_as or self.action or ""

    @property
    def model(self) -> type[Model]:
        return super().get_queryset().model

    @classmethod
    def seen_model(cls) -> type[Model]:
        """Whose view permission decides who sees a row."""
        assert cls.queryset is not None
        model: type[Model] = cls.queryset.model
        return model if cls.seen_by == "pk" else related_model(model, cls.seen_by)

    def get_queryset(self) -> QuerySet[Any]:
        queryset = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return queryset
        return self.visible(queryset)

    @cached_property
    def reach(self) -> str:
        """On how many rows the caller has the view permission: 'all', 'some' or 'none'."""
        return engine.reach_of(self.caller, self.seen_model())

    def may_create(self) -> bool:
        # Before the body is validated: who may not create need not learn what is wrong with it.
        resource = ResourceRef(label_of(self.model))
        return allowed(self.request.user, f"add_{self.model._meta.model_name}", resource)

    def needed(self, verb: str, obj: Any) -> list[tuple[str, ResourceRef]]:
        """What a standard action that is add, change or delete needs, and on what."""
        return [(f"{verb}_{obj._meta.model_name}", resource_of(obj))]

    def read(self, row: M) -> M:
        """As it is now, with what its representation needs: what was read may be out of date."""
        rows: Any = type(self).queryset
        read: M = rows.get(pk=row.pk)
        return read

    def get_object(self) -> Any:
        """The object of the path. Never what the caller may not act on."""
        if self._target is not None:
            return self._target
        key = self.kwargs[self.lookup_url_kwarg or self.lookup_field]
        if not keys_of(self.model, self.lookup_field).fullmatch(key):
            self.get_queryset()  # who may view nothing is told so, whatever the key
            raise NotFound
        return super().get_object()

    def may_act_on_target(self) -> bool:
        """``target_permission`` on the object of the path, whether the caller sees it or not.

        One statement, and another one where there is no such object.
        """
        rows: Any = type(self).queryset
        caller, model = caller_of(self.request), rows.model
        value = self.kwargs[self.lookup_url_kwarg or self.lookup_field]
        key = key_in(model, self.lookup_field, value)
        if key is not None:
            named = _with_verdict(type(self), self.target_permission)
            for *row, may_act in named.rows(caller=caller.pk, key=key):
                self._target = model.from_db(DEFAULT_DB_ALIAS, _columns(model), row)
                return bool(may_act)
        # That it is missing is told to global holders alone; others are refused as for any object.
        if allowed(caller, self.target_permission, ResourceRef(label_of(model))):
            raise NotFound
        return False


@cache
def _with_verdict(view: Any, permission: str) -> Statement:
    """The row of a key, and whether ``caller`` has the permission on it."""
    model = view.queryset.model
    key = Parameter("key", field_named(model, view.lookup_field))
    rows = view.queryset.order_by().filter(**{view.lookup_field: key})
    rows = rows.annotate(may_act=engine.allows(Parameter("caller"), permission, model))
    return Statement.of(rows.values_list(*_columns(model), "may_act"))


@cache
def _columns(model: Any) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def caller_of(request: Request) -> User:
    assert isinstance(request.user, User), "only authenticated callers get here"
    return request.user


def allowed(user: Any, action: str, resource: ResourceRef | None = None) -> bool:
    """Globally or on the resource; one statement. Anonymous callers hold nothing."""
    return isinstance(user, User) and engine.check(user, action, resource).allowed


def require(user: Any, action: str, resource: ResourceRef | None = None) -> None:
    if not allowed(user, action, resource):
        raise PermissionDenied


def decisions_on(caller: User, needed: Iterable[tuple[str, ResourceRef | None]]) -> list[Decision]:
    """One for each action and what it is on, None being everything; one statement."""
    subject = SubjectRef.of(caller)
    return engine.check_many(
        [Question(subject=subject, action=action, resource=on) for action, on in needed]
    )


class Sight:
    """How far a caller sees what objects are linked to; one statement, when it is first asked."""

    def __init__(self, caller: User) -> None:
        self.caller = caller

    def marked(self, rows: ROWS, link: str, mark: str = "shown") -> ROWS:
        """Each row with a mark: whether the caller may view what the foreign key names."""
        model = related_model(rows.model, link)
        seen: Any = Value(True)
        # A condition would be asked of each row, also for those who may view every one.
        if model not in self.whole:
            condition = Q(**{f"{link}__in": visible_keys(self.caller.pk, model)})
            if model is User:
                condition |= Q(**{link: self.caller.pk})
            seen = ExpressionWrapper(condition, BooleanField())
        marked: ROWS = rows.annotate(**{mark: seen})
        return marked

    @cached_property
    def whole(self) -> set[type[Model]]:
        """The models of which the caller may view every row."""
        labels = engine.views_all(self.caller, User, Group, Role)
        return {model for model in (User, Group, Role) if label_of(model) in labels}


def may_view(user: Any, row: Model | None) -> bool:
    """Whether a row exists for the caller; everybody may view themselves."""
    if row is None or row == user:
        return row is not None
    return allowed(user, f"view_{row._meta.model_name}", resource_of(row))


def visible_or_404(queryset: QuerySet[M], *, caller: User, **lookup: Any) -> M:
    """One row by key; missing and hidden look the same."""
    row = find(queryset, **lookup)
    if row is None or not allowed(caller, f"view_{row._meta.model_name}", resource_of(row)):
        raise NotFound
    return row


def find(queryset: QuerySet[M], **lookup: Any) -> M | None:
    """The row with this key, or None; also for keys that no row can have, whatever the junk."""
    texts = {name: value for name, value in lookup.items() if isinstance(value, str)}
    if not all(keys_of(queryset.model, name).fullmatch(value) for name, value in texts.items()):
        return None
    try:
        return next(iter(queryset.filter(**lookup).order_by()[:1]), None)
    except (TypeError, ValueError, OverflowError, ValidationError):
        return None


@cache
def keys_of(model: type[Model], name: str) -> re.Pattern[str]:
    """How a row's key, or another column that names it, is written in a path.

    Numbers are plain digits and uuids plain hex digits: Python would also take signs, blanks,
    underscores and digits of every script, and one row would have many names.
    """
    field = field_named(model, name)
    if isinstance(field, IntegerField):
        return re.compile("[0-9]+")
    return UUID_TEXT if isinstance(field, UUIDField) else re.compile("[^\0]*")


def key_in(model: type[Model], name: str, text: str) -> Any:
    """What a path says of a row's column; None for what no row can have, whatever the junk."""
    field = field_named(model, name)
    if field is None or engine.searchable(text) is None or not keys_of(model, name).fullmatch(text):
        return None
    try:
        return field.clean(text, None)
    except ValidationError:
        return None


@cache
def field_named(model: type[Model], name: str) -> Any:
    columns = {"pk": model._meta.pk, **{one.name: one for one in model._meta.concrete_fields}}
    return columns.get(name)


def label_of(model: type[Model]) -> str:
    return model._meta.label_lower


def resource_of(row: Model) -> ResourceRef:
    return ResourceRef(row._meta.label_lower, str(row.pk))
