"""What a role gives everywhere, as a matrix of types and actions to be ticked.

The form says which permissions it offered, and which of them were ticked when it was made. Only
what somebody has ticked or unticked since is written. If others changed the same role meanwhile,
nothing is saved: the form comes back with their changes and one's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.facts import ALWAYS, State, in_state
from audit.errors import Conflict, Forbidden, InvalidInput
from console.drawing import times
from console.facts import TO_ROLES, ReasonForm
from console.roles import RoleFormPage
from console.tables.base import spoken, type_of
from permissions import engine
from permissions.engine import Question, ResourceRef, SubjectRef, searchable
from permissions.models import ResourceType, RoleGlobalGrant
from permissions.operations import change_role_permissions, hold

TAKE, GIVE = TO_ROLES
ESCALATE = "authentik_rbac.escalate"
TYPES_PER_PAGE = 25
# Actions that have a column of their own; the others stand in the last one.
COMMON = ("view", "add", "change", "delete")
COLUMNS = (*map(str.capitalize, COMMON), "Other actions")
MOST_KEYS = 5_000
MEANWHILE = (
    "The role was changed meanwhile, and nothing is saved. {} What you ticked and unticked is still"
    " there: save again."
)


@dataclass(frozen=True, slots=True)
class Box:
    """``may_change``: otherwise it is shown, and not offered."""

    permission: Permission
    name: str
    is_ticked: bool
    may_change: bool
    note: str

    @property
    def text(self) -> str:
        return spoken(self.permission)


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    called: str
    cells: tuple[tuple[str, list[Box]], ...]


class KeysField(forms.CharField):
    """Numbers with spaces between."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> Any:
        words = str(value or "").split()
        are_numbers = all(w.isascii() and w.isdecimal() and len(w) < 10 for w in words)
        if not are_numbers or len(words) > MOST_KEYS:
            raise ValidationError("The form is damaged; load the page again.")
        return frozenset(map(int, words))


class Ticked(forms.MultipleChoiceField):
    """Any numbers: what may be ticked is what the form offered."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: Any) -> Any:
        return KeysField().clean(" ".join(map(str, value or ())))


class MatrixForm(ReasonForm):
    offered = KeysField(required=False)
    was = KeysField(required=False)
    grant = Ticked(required=False)


@dataclass(frozen=True, slots=True)
class Ticks:
    """``was`` are the boxes that were ticked, ``grant`` those that are now."""

    offered: frozenset[int]
    was: frozenset[int]
    grant: frozenset[int]

    @property
    def added(self) -> frozenset[int]:
        return (self.grant - self.was) & self.offered

    @property
    def removed(self) -> frozenset[int]:
        return (self.was - self.grant) & self.offered


class RolePermissions(RoleFormPage):
    title, button = "Permissions", "Save"
    form_class = MatrixForm
    template_name = "console/matrix.html"
    # What is ticked instead of what is granted, when the form comes back.
    ticked: frozenset[int] | None = None

    def get_title(self) -> str:
        return f"Permissions of {self.role}"

    def perform(self, form: Any) -> str:
        words = form.cleaned_data
        ticks = Ticks(words["offered"], words["was"] & words["offered"], words["grant"])
        self.ticked = ticks.grant
        hold(self.role, for_good=False)
        there = self._granted(ticks.offered)
        if frozenset(there) != ticks.was:
            self.ticked = (frozenset(there) | ticks.added) - ticks.removed
            raise Conflict(MEANWHILE.format(_told(ticks.was ^ frozenset(there), there)))
        for names, keys in ((GIVE, ticks.added), (TAKE, ticks.removed)):
            if keys and not self.rights.may_on(names, self.role):
                raise Forbidden
        added = list(_permissions().filter(pk__in=ticks.added))
        if len(added) < len(ticks.added):
            raise InvalidInput("One of the permissions is not there any more; load the page again.")
        change_role_permissions(
            role=self.role, added=added, removed=_permissions().filter(pk__in=ticks.removed),
            actor=self.caller,
        )  # fmt: skip
        return f"The role {self.role} has {len(ticks.added)} more and {len(ticks.removed)} fewer."

    def get_success_url(self) -> str:
        return self.next or self.request.get_full_path()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        start = (self._number() - 1) * TYPES_PER_PAGE
        types = list(self._types()[start : start + TYPES_PER_PAGE + 1])
        rows = list(self._rows(types[:TYPES_PER_PAGE]))
        boxes = [box for row in rows for _, cell in row.cells for box in cell if box.may_change]
        return super().get_context_data(
            rows=rows,
            columns=COLUMNS,
            offered=" ".join(str(box.permission.pk) for box in boxes),
            was=" ".join(str(b.permission.pk) for b in boxes if b.permission.pk in self.granted),
            may_change=bool(boxes),
            q=self.request.GET.get("q", ""),
            only=self._only(),
            number=self._number(),
            has_more=len(types) > TYPES_PER_PAGE,
            role=self.role,
            **kwargs,
        )

    def _types(self) -> QuerySet[ResourceType]:
        """Those with actions that the filter lets through, in order."""
        actions = Permission.objects.filter(content_type=OuterRef("pk"))
        text = self.request.GET.get("q", "").strip()
        named = Q()
        if text and searchable(text) is not None:
            has_it = Exists(actions.filter(codename__icontains=text))
            named = Q(has_it) | Q(verbose_name__icontains=text)
            app_label, dot, model = text.partition(".")
            columns = ("app_label", "model")
            for column, word in zip(columns, (app_label, model if dot else text), strict=True):
                part = Q(**{f"content_type__{column}__icontains": word})
                named = named | part
            if dot:
                named = Q(
                    content_type__app_label__icontains=app_label,
                    content_type__model__icontains=model,
                )
        rows = ResourceType.objects.filter(named, Exists(actions))
        if self._only():
            given = RoleGlobalGrant.objects.filter(role=self.role).exclude(in_state(State.ENDED))
            rows = rows.filter(pk__in=given.values("permission__content_type"))
        order = ("content_type__app_label", "content_type__model")
        return rows.select_related("content_type").order_by(*order)

    def _rows(self, types: list[ResourceType]) -> Iterator[Row]:
        rows = _permissions().filter(content_type__in=[kind.pk for kind in types])
        permissions = list(rows.order_by("codename"))
        self.granted = self._granted([one.pk for one in permissions])
        changeable = self._changeable(permissions)
        for kind in types:
            cells: dict[str, list[Box]] = {name: [] for name in (*COMMON, "")}
            for one in permissions:
                if one.content_type_id == kind.pk:
                    box = self._box(one, changeable)
                    cells[box.name if box.name in COMMON else ""].append(box)
            labelled = zip(COLUMNS, cells.values(), strict=True)
            yield Row(kind.label, kind.verbose_name, tuple(labelled))

    def _box(self, permission: Permission, changeable: set[int]) -> Box:
        grant = self.granted.get(permission.pk)
        ticked = self.granted if self.ticked is None else self.ticked
        return Box(
            permission=permission,
            name=engine.short(permission.codename, permission.content_type.model),
            is_ticked=permission.pk in (ticked if permission.pk in changeable else self.granted),
            may_change=permission.pk in changeable,
            note=times(grant.valid_from, grant.valid_until) if grant else "",
        )

    def _granted(self, keys: Iterable[int]) -> dict[int, RoleGlobalGrant]:
        """Those of the permissions that the role gives now or later."""
        rows = RoleGlobalGrant.objects.filter(role=self.role, permission__in=list(keys))
        return {row.permission_id: row for row in rows.exclude(in_state(State.ENDED))}

    def _changeable(self, permissions: list[Permission]) -> set[int]:
        """What the caller may tick: what it holds everywhere and for good, and what is ticked."""
        may_give, may_take = self._may_give, self.rights.may_on(TAKE, self.role)
        held = self._held(permissions) if may_give else set()
        return {
            one.pk
            for one in permissions
            if (may_take if one.pk in self.granted else one.pk in held)
        }

    @cached_property
    def _may_give(self) -> bool:
        return self.rights.may_on(GIVE, self.role)

    def _held(self, permissions: list[Permission]) -> set[int]:
        """As the grant ceiling asks. One statement."""
        subject = SubjectRef.of(self.caller)
        asked = [
            Question(subject=subject, action=one.codename, resource=ResourceRef(type_of(one)))
            for one in permissions
        ]
        asked.append(Question(subject=subject, action=ESCALATE))
        *held, is_free = engine.check_many(asked, throughout=ALWAYS)
        pairs = zip(permissions, held, strict=True)
        return {one.pk for one, decision in pairs if decision.allowed or is_free.allowed}

    def _only(self) -> bool:
        return self.request.GET.get("only") == "on"

    def _number(self) -> int:
        text = self.request.GET.get("page", "")
        return max(int(text), 1) if text.isascii() and text.isdecimal() and len(text) < 7 else 1


def _permissions() -> QuerySet[Permission]:
    """Of registered types: Django's own mean nothing here."""
    rows = Permission.objects.filter(content_type__resource_type__isnull=False)
    return rows.select_related("content_type")


def _told(keys: Iterable[int], there: Mapping[int, Any]) -> str:
    """What others have given and taken."""
    rows = list(_permissions().filter(pk__in=keys))
    given = ", ".join(spoken(one) for one in rows if one.pk in there)
    taken = ", ".join(spoken(one) for one in rows if one.pk not in there)
    sentences = [f"Given: {given}." if given else "", f"Taken away: {taken}." if taken else ""]
    return " ".join(sentence for sentence in sentences if sentence)
