"""What AuthZEN requests are made of, typed strictly: a number is no string, null is no object.

Members nobody knows are ignored. Properties and context are accepted as objects and read by no
decision so far.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from permissions.engine import ResourceRef, SubjectRef, label_of

Properties = dict[str, Any] | UnsetType


class Subject(Struct, frozen=True):
    type: str
    id: str
    properties: Properties = UNSET

    @property
    def ref(self) -> SubjectRef:
        return SubjectRef(self.id, self.type)


class Action(Struct, frozen=True):
    name: str
    properties: Properties = UNSET


class Resource(Struct, frozen=True):
    type: str
    id: str
    properties: Properties = UNSET

    @property
    def ref(self) -> ResourceRef:
        return ResourceRef(label_of(self.type), self.id)


class Kind(Struct, frozen=True):
    """The entity a search looks for. An id beside its type is ignored."""

    type: str
    properties: Properties = UNSET


class Semantic(StrEnum):
    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"


class Options(Struct, frozen=True):
    """``context`` asks for the reasons of the decisions; it is this service's own option."""

    evaluations_semantic: Semantic = Semantic.EXECUTE_ALL
    context: bool = False


class Evaluation(Struct, frozen=True):
    subject: Subject
    action: Action
    resource: Resource
    context: Properties = UNSET
    options: Options = Options()


class Item(Struct, frozen=True):
    """One of many; what it lacks comes whole from the request around it."""

    subject: Subject | UnsetType = UNSET
    action: Action | UnsetType = UNSET
    resource: Resource | UnsetType = UNSET
    context: Properties = UNSET


class Evaluations(Item, frozen=True):
    evaluations: list[Any] = []
    options: Options = Options()


class Page(Struct, frozen=True):
    """The part of the results that is wanted; an empty token is the beginning."""

    token: str = ""
    limit: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    properties: Properties = UNSET


class SubjectSearch(Struct, frozen=True):
    subject: Kind
    action: Action
    resource: Resource
    context: Properties = UNSET
    page: Page | UnsetType = UNSET


class ResourceSearch(Struct, frozen=True):
    subject: Subject
    action: Action
    resource: Kind
    context: Properties = UNSET
    page: Page | UnsetType = UNSET


class ActionSearch(Struct, frozen=True):
    subject: Subject
    resource: Resource
    context: Properties = UNSET
    page: Page | UnsetType = UNSET


def without_empty(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value}
