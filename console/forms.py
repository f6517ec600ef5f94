"""The fields of the console's forms. They hold names as people write them, and give rows.

* ``SubjectField``: a user, by any name decisions take; ``UserField``, ``GroupField``,
  ``RoleField``, ``ScopeField``: by name, among those the caller may view
* ``PrincipalField``: one of these three, as ``user:bob``, ``group:staff``, ``role:auditor``;
  ``GranteeField``: a user or a role
* ``ActionField``: a word; ``ResourceField``: ``shop.invoice:42`` as a ResourceRef;
  ``TypeField``: ``shop.invoice`` as a ResourceType
* ``ConsoleForm`` is their base: it knows the caller's ``rights``, and gives them to the fields
* ``WhenForm`` adds from, until and reason: ``form.window()`` and ``form.cleaned_data["reason"]``

What they offer while somebody types comes from ``console.choices``; without JavaScript they are
plain fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.urls import reverse_lazy
from unfold.widgets import INPUT_CLASSES

from accounts.facts import Window
from accounts.models import Group, User
from console.rights import CHECK_ACCESS, Rights
from permissions import engine
from permissions.engine import ResourceRef, SubjectRef, is_word, searchable
from permissions.models import ResourceType
from roles.models import Role, Scope

CLASSES = " ".join(INPUT_CLASSES)
LONGEST = 400
PRINCIPALS: dict[str, type[User | Group | Role]] = {"user": User, "group": Group, "role": Role}


class ChoosingInput(forms.TextInput):
    """A text field that offers choices of a kind while somebody types."""

    def __init__(self, kind: str, *, along_with: str = "", **attrs: Any) -> None:
        url = reverse_lazy("console:choices", args=[kind])
        words = {"data-choices": url, "spellcheck": "false", "autocapitalize": "off"}
        if along_with:
            words["data-with"] = along_with
        super().__init__({"class": CLASSES, **words, **attrs})


class NamedField(forms.CharField):
    """What is chosen by its name. ``kind`` is that of the choices."""

    kind: ClassVar[str] = ""
    along_with: ClassVar[str] = ""
    rights: Rights  # of the caller, from the form

    def __init__(self, **kwargs: Any) -> None:
        widget = ChoosingInput(self.kind, along_with=self.along_with)
        super().__init__(**{"widget": widget, "max_length": LONGEST, **kwargs})

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        if searchable(text) is None:
            raise ValidationError(self.unknown(""))
        return self.named(text)

    def named(self, text: str) -> Any:
        """What the text names; each kind of field finds its own. Raises ValidationError."""
        raise NotImplementedError

    def unknown(self, text: str) -> str:
        return f"There is no {self.kind.removesuffix('s')} {text}".rstrip() + "."


def choosable(model: type[Any]) -> QuerySet[Any]:
    """What people may name: of roles not the service's, nor those that stand in for a group."""
    return Role.objects.shareable() if model is Role else model._default_manager.all()


class RowField(NamedField):
    """A row of a model by one column, among those that the caller may view."""

    model: ClassVar[type[Any]]
    by: ClassVar[str] = "name"

    def named(self, text: str) -> Any:
        rows = choosable(self.model).filter(**{self.by: text})
        row = self.rights.visible(rows).first()
        if row is None:
            raise ValidationError(self.unknown(text))
        return row


class UserField(RowField):
    kind, model, by = "users", User, "username"


class GroupField(RowField):
    kind, model = "groups", Group


class RoleField(RowField):
    kind, model = "roles", Role


class ScopeField(RowField):
    kind, model = "scopes", Scope


class SubjectField(NamedField):
    """Whomever the name means to a decision: visible or not, as when asked through the API.

    Who may not ask about others learns nothing of them, not even whether they are there.
    """

    kind = "users"

    def named(self, text: str) -> User:
        user = engine.find_user(SubjectRef(text))
        if user != self.rights.caller and not self.rights.may(CHECK_ACCESS):
            raise ValidationError(f"To ask about others takes {CHECK_ACCESS}.")
        if user is None:
            raise ValidationError(self.unknown(text))
        return user


class PrincipalField(NamedField):
    """``among`` are the kinds it takes."""

    kind = "principals"
    among: ClassVar[Sequence[str]] = tuple(PRINCIPALS)

    def named(self, text: str) -> User | Group | Role:
        word, _, name = text.partition(":")
        tried = [(word, name)] if word in self.among and name else []
        tried += [(kind, text) for kind in self.among]
        for kind, called in tried:
            model = PRINCIPALS[kind]
            column = "username" if model is User else "name"
            rows = choosable(model).filter(**{column: called})
            row = self.rights.visible(rows).first()
            if isinstance(row, model):
                return row
        raise ValidationError(f"There is no {' or '.join(self.among)} {text}.")


class GranteeField(PrincipalField):
    """Groups are granted nothing: they are given roles."""

    kind = "grantees"
    among = ("user", "role")


def principal_text(principal: User | Group | Role) -> str:
    """As ``PrincipalField`` takes it."""
    name = principal.username if isinstance(principal, User) else principal.name
    return f"{principal._meta.model_name}:{name}"


class ActionField(NamedField):
    kind = "actions"
    along_with = "resource type"

    def named(self, text: str) -> str:
        if not is_word(text, longest=LONGEST):
            raise ValidationError("An action is one word, such as view.")
        return text


class ResourceField(NamedField):
    kind = "resources"
    along_with = "action"

    def named(self, text: str) -> ResourceRef:
        resource = engine.resource_named(text)
        if not engine.find_types([resource.type]):
            if ":" not in text:
                raise ValidationError("A resource is named as shop.invoice:42.")
            raise ValidationError(f"There is no resource type {resource.type}.")
        return resource


class TypeField(NamedField):
    kind = "types"

    def named(self, text: str) -> ResourceType:
        kinds = engine.find_types([text])
        if text not in kinds:
            raise ValidationError(f"There is no resource type {text}.")
        return kinds[text]


class MomentField(forms.DateTimeField):
    """A moment in UTC, as the browser's own picker sends it."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(
            {"type": "datetime-local", "class": CLASSES, "step": "60"}, format="%Y-%m-%dT%H:%M"
        )
        super().__init__(**{"widget": widget, "required": False, **kwargs})


class ConsoleForm(forms.Form):
    required_css_class = "required"
    template_name = "console/fields.html"

    def __init__(self, *args: Any, rights: Rights, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rights = rights
        for field in self.fields.values():
            if isinstance(field, NamedField):
                field.rights = rights


class WhenForm(ConsoleForm):
    """From, until and reason stand last, whatever a form has before them."""

    valid_from = MomentField(label="From (UTC)", help_text="Empty: at once.")
    valid_until = MomentField(label="Until (UTC)", help_text="Empty: without an end.")
    reason = forms.CharField(
        required=False, max_length=500, widget=forms.TextInput({"class": CLASSES})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("valid_from", "valid_until", "reason"):
            self.fields[name] = self.fields.pop(name)

    def window(self) -> Window | None:
        """None when no times were given: what is there already then stays as it is."""
        since, until = self.cleaned_data["valid_from"], self.cleaned_data["valid_until"]
        return Window(since, until) if since or until else None
