"""Resource types made at run time: their names, their actions, and their end.

An action is a permission of the type's content type. Such a type has no Python class, and its app
label belongs to no installed app, or Django's ``remove_stale_contenttypes`` would remove it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from accounts.models import User
from audit.errors import Conflict, InvalidInput
from audit.models import EventKind
from audit.operations import record
from permissions.models import Resource, ResourceMode, ResourceType
from permissions.operations.deletion import forget_permissions, forget_resources
from permissions.operations.initial_permissions import fire
from permissions.operations.resources import delete_resources
from permissions.operations.retired import is_retired, retire_labels
from roles.models import SYSTEM_NAMESPACE, ScopeEntry

TYPE = "permissions.resourcetype"
LABEL = re.compile(r"[A-Za-z0-9_-]{1,100}")
LONGEST_CODENAME = 100
MOST_ACTIONS = 500


class BuiltInType(Conflict):
    """The type comes with the service; only its mode is anybody's choice."""

    code = "built_in_type"
    default_message = "A built-in resource type cannot be changed or deleted, except for its mode."


class TypeTaken(Conflict):
    """A type has the label already."""

    code = "type_taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpec:
    """``name`` is the permission's codename; ``verbose_name`` what people read."""

    name: str
    verbose_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeSpec:
    """A type to be, where several are made at once."""

    label: str
    verbose_name: str = ""
    actions: Sequence[ActionSpec] = ()
    mode: str = ResourceMode.STRICT
    properties: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def create_type(
    *,
    actor: User | None,
    label: str,
    verbose_name: str = "",
    verbose_name_plural: str = "",
    app_verbose_name: str = "",
    actions: Iterable[ActionSpec] = (),
    mode: str = ResourceMode.STRICT,
    parent: ResourceType | None = None,
    properties: dict[str, Any] | None = None,
) -> ResourceType:
    """Names default to the label's parts. Raises InvalidInput for a label that cannot be had."""
    app_label, model = _split(label)
    if ResourceType.objects.labelled(label).exists():
        raise InvalidInput(fields={"model": [f"{label} exists already."]})
    content_type, _ = ContentType.objects.get_or_create(app_label=app_label, model=model)
    ContentType.objects.clear_cache()
    kind = ResourceType.objects.create(
        content_type=content_type,
        app_verbose_name=app_verbose_name or app_label,
        verbose_name=verbose_name or model,
        verbose_name_plural=verbose_name_plural,
        mode=mode,
        was_open=mode == ResourceMode.OPEN or is_retired(label),
        parent=parent,
        properties=properties or {},
    )
    _set_actions(kind, actions, actor=actor)
    record(EventKind.RESOURCE_TYPE_CREATED, target=kind, actor=actor, after=type_facts(kind))
    fire(actor=actor, label=TYPE, keys=[str(kind.pk)])
    return kind


@transaction.atomic
def create_types(*, actor: User | None, specs: Sequence[TypeSpec]) -> list[ResourceType]:
    """All or none. Raises TypeTaken, and what ``create_type`` raises."""
    labels = [spec.label for spec in specs]
    for label in labels:
        if labels.count(label) > 1 or ResourceType.objects.labelled(label).exists():
            raise TypeTaken(f"{label} exists already.")
    return [
        create_type(
            actor=actor,
            label=spec.label,
            verbose_name=spec.verbose_name,
            actions=spec.actions,
            mode=spec.mode,
            properties=spec.properties,
        )
        for spec in specs
    ]


@transaction.atomic
def update_type(
    *,
    type: ResourceType,  # noqa: A002  the word of the field
    actor: User | None,
    actions: Iterable[ActionSpec] | None = None,
    **fields: Any,
) -> ResourceType:
    """Only what is given changes. An action that is left out loses its permission and all grants.

    Raises BuiltInType for anything but ``mode`` of a built-in type, InvalidInput for a cycle.
    """
    changed = {name: value for name, value in fields.items() if getattr(type, name) != value}
    if "mode" in changed:
        # It is open now, or has been until now.
        changed["was_open"] = True
    if type.built_in and (actions is not None or changed.keys() - {"mode", "was_open"}):
        raise BuiltInType
    above = changed.get("parent")
    while above is not None:
        if above.pk == type.pk:
            raise InvalidInput(fields={"parent": ["A type cannot lie below itself."]})
        above = above.parent
    before = type_facts(type)
    for name, value in changed.items():
        setattr(type, name, value)
    if changed:
        type.save(update_fields=list(changed))
    if actions is not None:
        _set_actions(type, actions, actor=actor)
    after = type_facts(type)
    if after != before:
        record(
            EventKind.RESOURCE_TYPE_CHANGED, target=type, actor=actor, before=before, after=after
        )
    return type


@transaction.atomic
def delete_type(*, type: ResourceType, actor: User | None) -> None:  # noqa: A002  as above
    """Its resources, permissions, grants and scope entries go with it, an event each.

    Raises BuiltInType, and Conflict while other types name it as their parent.
    """
    if type.built_in:
        raise BuiltInType
    if type.children.exists():
        raise Conflict("Other resource types lie below this one.")
    before, content_type = type_facts(type), type.content_type
    label, pk = type.label, str(type.pk)
    delete_resources(resources=Resource.objects.filter(type=type), actor=actor)
    forget_permissions(Permission.objects.filter(content_type=content_type), actor=actor)
    # Those of the whole type; those of single resources have gone with the resources.
    ScopeEntry.objects.filter(content_type=content_type).delete()
    forget_resources(TYPE, [pk], actor=actor)
    record(EventKind.RESOURCE_TYPE_DELETED, target=(TYPE, pk, label), actor=actor, before=before)
    type.delete()
    content_type.delete()
    ContentType.objects.clear_cache()
    retire_labels({label: None})


@transaction.atomic
def delete_types(*, types: Iterable[ResourceType], actor: User | None) -> None:
    """All or none; those that lie below others of them go first."""
    left = list(types)
    while left:
        parents = {kind.parent_id for kind in left}
        # Parents never make a circle, so one of them is nobody's parent.
        for kind in [kind for kind in left if kind.pk not in parents]:
            delete_type(type=kind, actor=actor)
            left.remove(kind)


@transaction.atomic
def ensure_actions(
    *, type_label: str, names: Iterable[str], actor: User | None
) -> list[Permission]:
    """The permissions of a type with these codenames (≤ 100 characters), made if they are missing.

    For types whose vocabulary nobody can list beforehand. A new permission gives nobody anything:
    it has to be granted, under the ceiling, like any other.
    """
    codenames = set(names)
    if not codenames:
        return []
    kind = ResourceType.objects.labelled(type_label).select_related("content_type").get()
    of_type = Permission.objects.filter(content_type=kind.pk, codename__in=codenames)
    # In one order: two who name the same actions in different orders would wait for each other.
    added = sorted(codenames - set(of_type.values_list("codename", flat=True)))
    if added:
        Permission.objects.bulk_create(
            [Permission(content_type_id=kind.pk, codename=name, name=name) for name in added],
            ignore_conflicts=True,
        )
        after = {"actions_added": added}
        record(EventKind.RESOURCE_TYPE_CHANGED, target=kind, actor=actor, after=after)
    return list(of_type.select_related("content_type"))


def type_facts(kind: ResourceType) -> dict[str, Any]:
    """What an audit event says of a type."""
    actions = Permission.objects.filter(content_type=kind.pk)
    return {
        "label": kind.label,
        "app_verbose_name": kind.app_verbose_name,
        "verbose_name": kind.verbose_name,
        "verbose_name_plural": kind.verbose_name_plural,
        "mode": str(kind.mode),
        "parent": kind.parent.label if kind.parent else None,
        "actions": sorted(actions.values_list("codename", flat=True)),
    }


def _split(label: str) -> tuple[str, str]:
    """App label and model. No app of the service has that label, in any case, nor has a type of
    the catalogue, nor is it the namespace of the service's own roles.
    """
    app_label, _, model = label.partition(".")
    for part, text in (("app_label", app_label), ("model", model)):
        if not LABEL.fullmatch(text):
            message = "Letters, digits, hyphens and underscores, at most 100."
            raise InvalidInput(fields={part: [message]})
    installed = {config.label.lower() for config in apps.get_app_configs()}
    built_in = ResourceType.objects.filter(built_in=True, content_type__app_label__iexact=app_label)
    reserved = installed | {SYSTEM_NAMESPACE}
    if app_label.lower() in reserved or built_in.exists():
        raise InvalidInput(fields={"app_label": [f'"{app_label}" belongs to the service itself.']})
    return app_label, model


def _set_actions(kind: ResourceType, actions: Iterable[ActionSpec], *, actor: User | None) -> None:
    actions_by_name = {action.name: action for action in actions}
    if len(actions_by_name) > MOST_ACTIONS:
        raise InvalidInput(fields={"actions": [f"At most {MOST_ACTIONS} actions are allowed."]})
    if any(len(name) > LONGEST_CODENAME for name in actions_by_name):
        message = f"Ensure this field has no more than {LONGEST_CODENAME} characters."
        raise InvalidInput(fields={"actions": [message]})
    existing = Permission.objects.filter(content_type=kind.pk)
    forget_permissions(existing.exclude(codename__in=actions_by_name), actor=actor)
    Permission.objects.bulk_create(
        [
            Permission(
                content_type_id=kind.pk,
                codename=name,
                name=action.verbose_name or f"Can {name.replace('_', ' ')}",
            )
            for name, action in actions_by_name.items()
        ],
        update_conflicts=True,
        unique_fields=["content_type", "codename"],
        update_fields=["name"],
    )
