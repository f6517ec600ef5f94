"""Resource types made at run time: their names, their actions, and their end.

An action is a permission of the type's content type. Such a type has no Python class, and its app
label belongs to no installed app, or Django's ``remove_stale_contenttypes`` would remove it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.text import slugify

from accounts.models import User
from audit.errors import Conflict, InvalidInput, NotFound
from audit.models import EventKind
from audit.operations import record
from permissions.engine import (
    codenames_meant,
    find_types,
    is_word,
    label_of,
    require_escalate,
    require_grants,
)
from permissions.models import Resource, ResourceMode, ResourceType
from permissions.models.fact_tables import GRANTS
from permissions.operations.deletion import forget_permissions, forget_resources
from permissions.operations.initial_permissions import fire
from permissions.operations.locks import Change, lock_rows, one_at_a_time, refresh
from permissions.operations.resources import delete_resources
from permissions.operations.retired import is_retired, retire_labels
from roles.models import DEFAULT_NAMESPACE, SYSTEM_NAMESPACE, InitialPermissions, ScopeEntry

TYPE = "permissions.resourcetype"
LABEL = re.compile(r"[A-Za-z0-9_-]{1,100}")
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
LONGEST_MODEL = 100
LONGEST_NAME = 255
LONGEST_CODENAME = 100
# Parts of a path that lead on from a type.
TAKEN_PARTS = ("", ".", "..", "resources", "actions")
EVERY_ACTION = "*"
NOT_A_WORD = "Printable characters without spaces, at most {}."
MOST_ACTIONS = 500


class BuiltInType(Conflict):
    """The type comes with the service; only its mode is anybody's choice."""

    code = "built_in_type"
    default_message = "A built-in resource type cannot be changed or deleted, except for its mode."


class TypeTaken(Conflict):
    """A type has the label already."""

    code = "type_taken"


class ActionInUse(Conflict):
    """Grants of the action would be lost with it."""

    code = "action_in_use"

    def __init__(self, grants: int) -> None:
        message = f"{grants} grants would be lost. To lose them, say drop_grants: true."
        super().__init__(message, fields={"detail": message, "code": self.code, "grants": grants})


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpec:
    """``name`` as a question names the action; ``verbose_name`` is what people read.

    An action that is there keeps its codename, and without ``renames`` its verbose name. A new one
    gets ``codename``, or if that is empty its name.
    """

    name: str
    codename: str = ""
    verbose_name: str = ""
    renames: bool = False


def plain_action(*, name: str, model: str, verbose_name: str) -> ActionSpec:
    """A new ``view`` on an invoice becomes ``view_invoice``, as Django names permissions.

    Names with other characters, or too long for that, stay as they are.
    """
    bare = name.removesuffix(f"_{model}")
    codename = f"{bare}_{model}"
    if not PLAIN.fullmatch(bare) or len(codename) > LONGEST_CODENAME:
        codename = name
    text = f"Can {bare.replace('_', ' ')} {verbose_name}"
    return ActionSpec(name=name, codename=codename, verbose_name=text[:255])


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeSpec:
    """A type to be, when several are made at once."""

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
    name: str | None = None,
    verbose_name: str = "",
    verbose_name_plural: str = "",
    app_verbose_name: str = "",
    actions: Iterable[ActionSpec] = (),
    mode: str = ResourceMode.STRICT,
    parent: ResourceType | None = None,
    properties: dict[str, Any] | None = None,
) -> ResourceType:
    """Verbose names default to the label's parts; ``name`` is what else the type is called.

    Raises InvalidInput for a label or name that cannot be had.
    """
    app_label, model = _split(label)
    one_at_a_time(Change.TYPE_NAMES)
    # What a name means must never change for what is asked by it already.
    if name is not None:
        _require_free_name(name)
    if find_types([label]):
        raise InvalidInput(fields={"model": [f"{label} exists already."]})
    content_type, _ = ContentType.objects.get_or_create(app_label=app_label, model=model)
    ContentType.objects.clear_cache()
    kind = ResourceType.objects.create(
        content_type=content_type,
        name=name,
        app_verbose_name=app_verbose_name or app_label,
        verbose_name=verbose_name or model,
        verbose_name_plural=verbose_name_plural,
        mode=mode,
        was_open=mode == ResourceMode.OPEN or is_retired(label),
        parent=parent,
        properties=properties or {},
    )
    _set_actions(kind, actions, actor=actor, drop_grants=True)
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
    drop_grants: bool = False,
    **fields: Any,
) -> ResourceType:
    """Only what is given changes. An action that is left out goes; its grants only if told so.

    Raises ActionInUse, BuiltInType for anything but ``mode`` of a built-in type, and InvalidInput
    for a cycle. A type without a free name may get one from whoever holds what anybody was granted
    of it, because decisions are asked by that name then; raises GrantCeiling.
    """
    changed = {name: value for name, value in fields.items() if getattr(type, name) != value}
    if "mode" in changed:
        # It is open now, or has been until now.
        changed["was_open"] = True
    if type.built_in and (actions is not None or changed.keys() - {"mode", "was_open"}):
        raise BuiltInType
    if "name" in changed:
        _require_nameable(type, changed["name"], actor=actor)
    if changed.get("parent") is not None:
        _refuse_cycle(type, changed["parent"])
    if changed or actions is not None:
        refresh(type)
    before = type_facts(type)
    for name, value in changed.items():
        setattr(type, name, value)
    if changed:
        type.save(update_fields=list(changed))
    if actions is not None:
        _set_actions(type, actions, actor=actor, drop_grants=drop_grants)
    _record_change(type, before, actor)
    return type


@transaction.atomic
def add_action(
    *,
    type: ResourceType,  # noqa: A002  as above
    action: ActionSpec,
    actor: User | None,
) -> tuple[Permission, bool]:
    """The permission, and whether it is new; the others stay. Raises BuiltInType, InvalidInput."""
    kind, existing = _to_change(type)
    codename = _meant(existing, action.name, kind) or action.codename or action.name
    if codename in existing:
        return existing[codename], False
    before = type_facts(kind)
    _require_words([*existing, codename])
    _write_actions(kind, {codename: action})
    _record_change(kind, before, actor)
    return Permission.objects.get(content_type=kind.pk, codename=codename), True


@transaction.atomic
def remove_action(
    *,
    type: ResourceType,  # noqa: A002  as above
    name: str,
    actor: User | None,
    drop_grants: bool = False,
) -> None:
    """Named as in a question; the others stay. Raises NotFound, ActionInUse, BuiltInType."""
    kind, existing = _to_change(type)
    codename = _meant(existing, name, kind)
    if codename is None:
        raise NotFound(f"{kind.label} has no such action.")
    before = type_facts(kind)
    _forget([existing[codename]], actor=actor, drop_grants=drop_grants)
    _record_change(kind, before, actor)


def _to_change(kind: ResourceType) -> tuple[ResourceType, dict[str, Permission]]:
    """The type, which nobody else changes meanwhile, and its actions by codename.

    Raises NotFound, BuiltInType.
    """
    if kind.built_in:
        raise BuiltInType
    kind = _locked(kind)
    return kind, _permissions_of(kind)


def _locked(kind: ResourceType) -> ResourceType:
    """As it is now, which nobody else changes before the transaction ends. Raises NotFound."""
    for locked in lock_rows([kind]):
        return locked
    raise NotFound("The resource type does not exist any more.")


def _record_change(kind: ResourceType, before: Mapping[str, Any], actor: User | None) -> None:
    after = type_facts(kind)
    if after != before:
        kind_of_event = EventKind.RESOURCE_TYPE_CHANGED
        record(kind_of_event, target=kind, actor=actor, before=before, after=after)


@transaction.atomic
def delete_type(*, type: ResourceType, actor: User | None) -> None:  # noqa: A002  as above
    """Its resources, permissions, grants and scope entries go with it, an event each.

    Raises BuiltInType, and Conflict while other types name it as their parent.
    """
    if type.built_in:
        raise BuiltInType
    one_at_a_time(Change.RESOURCE_PARENTS)
    type = _locked(type)  # noqa: A001  as above
    if type.children.exists():
        raise Conflict("Other resource types lie below this one.")
    # Told while its actions are there.
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
    # Or this process would go on to find the content type by its label.
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
    if codenames - set(of_type.values_list("codename", flat=True)):
        # Looked up again: of two who name the same action, one adds it and tells so.
        refresh(kind)
        added = sorted(codenames - set(of_type.values_list("codename", flat=True)))
        Permission.objects.bulk_create(
            Permission(content_type_id=kind.pk, codename=name, name=name) for name in added
        )
        if added:
            after = {"actions_added": added}
            record(EventKind.RESOURCE_TYPE_CHANGED, target=kind, actor=actor, after=after)
    return list(of_type.select_related("content_type"))


def type_facts(kind: ResourceType) -> dict[str, Any]:
    """What an audit event says of a type."""
    actions = Permission.objects.filter(content_type=kind.pk)
    return {
        "label": kind.label,
        "name": kind.name,
        "app_verbose_name": kind.app_verbose_name,
        "verbose_name": kind.verbose_name,
        "verbose_name_plural": kind.verbose_name_plural,
        "mode": str(kind.mode),
        "parent": kind.parent.label if kind.parent else None,
        "actions": sorted(actions.values_list("codename", flat=True)),
    }


def label_from(name: str) -> str:
    """A label for a type that was given a name alone: the one the name is read as, if it can be.

    Raises InvalidInput keyed by ``name``.
    """
    if not is_word(name, longest=LONGEST_NAME):
        raise InvalidInput(fields={"name": [NOT_A_WORD.format(LONGEST_NAME)]})
    read_as = label_of(name)
    app_label, _, model = read_as.partition(".")
    if LABEL.fullmatch(app_label) and is_model(model):
        return read_as
    start = f"{DEFAULT_NAMESPACE}.{slugify(name)[: LONGEST_MODEL - 10] or 'type'}"
    candidates = chain([start], (f"{start}-{n}" for n in count(2)))
    return next(label for label in candidates if not find_types([label]))


def is_model(text: str) -> bool:
    """Whether a label may have this after its dot: a path must be able to name it, too."""
    parts = text.split("/")
    return is_word(text, longest=LONGEST_MODEL) and not any(part in TAKEN_PARTS for part in parts)


def _split(label: str) -> tuple[str, str]:
    """App label and model. No app of the service has that label, in any case, nor has a type of
    the catalogue, nor is it the namespace of the service's own roles.
    """
    app_label, _, model = label.partition(".")
    if not LABEL.fullmatch(app_label):
        message = "Letters, digits, hyphens and underscores, at most 100."
        raise InvalidInput(fields={"app_label": [message]})
    if not is_model(model):
        message = NOT_A_WORD.format(LONGEST_MODEL)
        more = "Parts between slashes must be there, and none is called resources or actions."
        raise InvalidInput(fields={"model": [f"{message} {more}"]})
    if _is_ours(app_label):
        raise InvalidInput(fields={"app_label": [f'"{app_label}" belongs to the service itself.']})
    return app_label, model


def _is_ours(app_label: str) -> bool:
    installed = {config.label.lower() for config in apps.get_app_configs()}
    built_in = ResourceType.objects.filter(built_in=True, content_type__app_label__iexact=app_label)
    return app_label.lower() in installed | {SYSTEM_NAMESPACE} or built_in.exists()


def _refuse_cycle(kind: ResourceType, parent: ResourceType) -> None:
    # Two moves that are each fine could make a circle, and whoever climbs it would never end.
    one_at_a_time(Change.RESOURCE_PARENTS)
    above: int | None = parent.pk
    while above is not None:
        if above == kind.pk:
            raise InvalidInput(fields={"parent": ["A type cannot lie below itself."]})
        above = ResourceType.objects.values_list("parent", flat=True).get(pk=above)


def _require_nameable(kind: ResourceType, name: str, *, actor: User | None) -> None:
    """The type has no name yet, nothing is called so, and the actor holds what is asked by it."""
    one_at_a_time(Change.TYPE_NAMES)
    nameless = ResourceType.objects.filter(pk=kind.pk, name__isnull=True)
    if not nameless.exists():
        raise InvalidInput(fields={"name": ["A type keeps the name that it has."]})
    _require_free_name(name)
    granted = granted_of(nameless)
    require_grants(actor=actor, grants=[(permission, None) for permission in granted])
    if is_retired(name):
        require_escalate(actor, f"Another type was called {name}, and is asked about so.")


def granted_of(types: QuerySet[ResourceType]) -> QuerySet[Permission]:
    """What anybody was granted of the types, or would be on what it creates."""
    rules = InitialPermissions.permissions.through.objects
    granted = Q(Exists(rules.filter(permission=OuterRef("pk"))))
    for table in GRANTS:
        granted |= Q(Exists(table.model.objects.filter(permission=OuterRef("pk"))))
    permissions = Permission.objects.filter(granted, content_type__in=types.values("pk"))
    return permissions.select_related("content_type")


def _require_free_name(name: str) -> None:
    if not is_word(name, longest=LONGEST_NAME):
        raise InvalidInput(fields={"name": [NOT_A_WORD.format(LONGEST_NAME)]})
    if types := find_types([name]):
        raise InvalidInput(fields={"name": [f"{types[name].label} is called {name} already."]})
    app_label, dot, _ = name.partition(".")
    if dot and _is_ours(app_label):
        raise InvalidInput(fields={"name": [f'"{app_label}" belongs to the service itself.']})
    if name.startswith(f"{DEFAULT_NAMESPACE}."):
        message = f"Names are read as if {DEFAULT_NAMESPACE}. stood before them; leave it out."
        raise InvalidInput(fields={"name": [message]})


def _permissions_of(kind: ResourceType) -> dict[str, Permission]:
    return {one.codename: one for one in Permission.objects.filter(content_type=kind.pk)}


def _meant(existing: Mapping[str, Permission], name: str, kind: ResourceType) -> str | None:
    """The codename a question would find by the name."""
    return next((one for one in codenames_meant(name, kind.label) if one in existing), None)


def _set_actions(
    kind: ResourceType, actions: Iterable[ActionSpec], *, actor: User | None, drop_grants: bool
) -> None:
    existing = _permissions_of(kind)
    by_codename = {
        _meant(existing, action.name, kind) or action.codename or action.name: action
        for action in actions
    }
    _require_words(by_codename)
    lost = [permission for codename, permission in existing.items() if codename not in by_codename]
    _forget(lost, actor=actor, drop_grants=drop_grants)
    written = {
        codename: action
        for codename, action in by_codename.items()
        if codename not in existing or action.renames
    }
    _write_actions(kind, written)


def _write_actions(kind: ResourceType, actions: Mapping[str, ActionSpec]) -> None:
    Permission.objects.bulk_create(
        [
            Permission(
                content_type_id=kind.pk,
                codename=codename,
                name=action.verbose_name or f"Can {codename.replace('_', ' ')}",
            )
            for codename, action in actions.items()
        ],
        update_conflicts=True,
        unique_fields=["content_type", "codename"],
        update_fields=["name"],
    )


def _forget(permissions: Sequence[Permission], *, actor: User | None, drop_grants: bool) -> None:
    """Raises ActionInUse unless grants are to be dropped."""
    if permissions and not drop_grants:
        # Locked before grants are counted: what is granted meanwhile waits for us.
        keys = [permission.pk for permission in permissions]
        list(Permission.objects.select_for_update().filter(pk__in=keys).order_by("pk"))
        # What creators of things are given is a grant to come.
        tables = (*(table.model for table in GRANTS), InitialPermissions.permissions.through)
        grants = sum(table.objects.filter(permission__in=keys).count() for table in tables)
        if grants:
            raise ActionInUse(grants)
    forget_permissions(permissions, actor=actor)


def _require_words(codenames: Iterable[str]) -> None:
    codenames = list(codenames)
    if len(codenames) > MOST_ACTIONS:
        raise InvalidInput(fields={"actions": [f"At most {MOST_ACTIONS} actions are allowed."]})
    for name in codenames:
        if not is_action(name):
            message = f"{NOT_A_WORD.format(LONGEST_CODENAME)} {EVERY_ACTION} is no action."
            raise InvalidInput(fields={"actions": [message]})


def is_action(name: str) -> bool:
    return is_word(name, longest=LONGEST_CODENAME) and name != EVERY_ACTION
