"""What a decision is made of: the question, the answer, and the reason for it."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from accounts.models import User
from roles.models import DEFAULT_NAMESPACE

T = TypeVar("T")

# A type's permission is looked up by these parameters: the first that is the codename of one wins.
FOUND_BY = ("codename", "bare_codename", "long_codename")
USER_TYPES = ("user", "identity")
# With its hyphens or without any. Python alone would also take underscores, blanks, braces and the
# digits of every script.
UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}")


@dataclass(frozen=True, slots=True)
class SubjectRef:
    """Who: a user by the number of its row (``pk``), or by a name (``id``), which is a user name,
    uuid, external id, 24-hex id or e-mail address.

    Types other than ``user`` (or its alias ``identity``) are nobody.
    """

    id: str = ""
    type: str = "user"
    pk: int | None = None

    @classmethod
    def of(cls, user: User) -> SubjectRef:
        return cls(id=user.username, pk=user.pk)


@dataclass(frozen=True, slots=True)
class ResourceRef:
    """On what: a resource of a type, or without ``id`` every resource of the type.

    ``type`` is the type's label ``app_label.model``, or in a request its free name: what else an
    application calls it, see ``ResourceType.name``. ``id`` is the key as text, registered or not.
    """

    type: str
    id: str | None = None

    def __str__(self) -> str:
        return self.type if self.id is None else f"{self.type}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May this subject do this action on this resource?

    Without a resource the action is ``app_label.codename`` and only global grants satisfy it.
    """

    subject: SubjectRef
    action: str
    resource: ResourceRef | None = None


class Reason(StrEnum):
    """Why; closed words that the console, the audit log and the doors print."""

    SUPERUSER = "superuser"
    USER_GLOBAL = "user_global"
    USER_OBJECT = "user_object"
    ROLE_GLOBAL = "role_global"
    ROLE_OBJECT = "role_object"
    NO_GRANT = "no_grant"
    UNKNOWN_SUBJECT = "unknown_subject"
    INACTIVE_SUBJECT = "inactive_subject"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_ACTION = "unknown_action"


class StepKind(StrEnum):
    USER = "user"
    GROUP = "group"
    ROLE = "role"
    GRANT = "grant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing on the way from the subject to the grant. ``name`` and ``detail`` are for people.

    ``fact`` is the number of the membership or assignment that leads here; the scope and the times
    are that row's, or the grant's own. ``scope`` is a scope's name, ``scope_id`` its key.
    """

    kind: StepKind
    id: str
    name: str = ""
    detail: str = ""
    fact: str = ""
    scope: str = ""
    scope_id: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer. ``path`` runs from the subject to the grant and is empty when denied.

    A check names only the ends and the role that has the grant; ``explain`` fills in the groups and
    roles between.
    """

    allowed: bool
    reason: Reason
    path: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Part of a list. ``next`` is the key to continue after; None when nothing follows."""

    items: tuple[T, ...]
    next: Any = None


def subject_parameters(subject: SubjectRef | User) -> dict[str, Any]:
    """The parameters that name a subject in the statements."""
    if isinstance(subject, User):
        return {"user_id": subject.pk, "subject": None, "subject_uuid": None}
    is_user = subject.type in USER_TYPES
    text = searchable(subject.id) if is_user and subject.pk is None else None
    subject_uuid = None
    if text is not None and UUID_TEXT.fullmatch(text):
        subject_uuid = str(uuid.UUID(text))
    return {
        "user_id": subject.pk if is_user else None,
        "subject": text,
        "subject_uuid": subject_uuid,
    }


def action_parameters(action: str, resource: ResourceRef | None) -> dict[str, Any]:
    """The parameters that name a permission: by its type, or alone as ``app_label.codename``."""
    action = searchable(action) or ""
    if resource is None:
        app_label, _, codename = action.partition(".")
        model: str | None = None
    else:
        app_label, _, model = (searchable(resource.type) or "").partition(".")
        codename = action
    return {
        "app_label": app_label,
        "model": model,
        "codename": codename,
        "bare_codename": codename.removeprefix(f"{app_label}."),
        "long_codename": f"{codename}_{model}" if codename else "",
    }


def is_word(text: str, *, longest: int) -> bool:
    """What actions and types may be called: printable text without spaces."""
    printable = text.isprintable() and not any(letter.isspace() for letter in text)
    return printable and 0 < len(text) <= longest


def codenames_meant(action: str, label: str) -> tuple[str, ...]:
    """The codenames that an action on a type may mean, of which the first that exists is meant: as
    it stands, without the type's app before it, as the short form of a longer one.
    """
    parameters = action_parameters(action, ResourceRef(label))
    return tuple(parameters[key] for key in FOUND_BY)


def searchable(text: str) -> str | None:
    """The text, or None when no row can hold it: databases refuse NUL and lone surrogates."""
    if "\0" in text:
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    return text


def moment(at: datetime | None) -> str | None:
    """An explicit time as both databases compare it; None is the statement's own clock."""
    if at is None:
        return None
    # With all six digits: SQLite compares times as text.
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def label_of(type_: str) -> str:
    """The label of a resource type; a name without a namespace is in the default one."""
    return type_ if "." in type_ else f"{DEFAULT_NAMESPACE}.{type_}"


def free_name(label: str) -> str:
    """The name as ``ResourceType.name`` has it: without the default namespace before it."""
    return label.removeprefix(f"{DEFAULT_NAMESPACE}.")


def short(codename: str, model: str) -> str:
    """``view`` for ``view_invoice``; the codename itself if questions would not take that."""
    bare = codename.removesuffix(f"_{model}")
    # A dot would make the part before it an app label.
    return bare if bare and "." not in bare else codename
