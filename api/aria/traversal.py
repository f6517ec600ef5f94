"""This protocol's way to select objects, and ours: traversal spec instances and scope entries.

All objects are resources of one open type, whatever adapter and kind a client says they are of. The
kinds, and whether an object was named ``SPECIFIC`` or ``UNPROPAGATE``, change no decision; they are
kept beside the scope so that clients read what they wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

from rest_framework import serializers

from api.aria.wire import optional_text
from api.wire import IdentifierField, WireSerializer
from permissions.operations import EntrySpec
from roles.models import Scope, ScopeKind

OBJECT_TYPE = "aria.resource"
# The key under which scopes and assignments keep this door's own words.
NOTES = "aria"
PROPAGATE, UNPROPAGATE, SPECIFIC = "PROPAGATE", "UNPROPAGATE", "SPECIFIC"

# A validated instance as it is kept and answered: JSON, with the names of the wire.
Instance = dict[str, Any]


class EachOnce(serializers.ListField):
    def to_internal_value(self, data: Any) -> list[str]:
        return list(dict.fromkeys(map(str, super().to_internal_value(data))))


class ResourceSelectionSerializer(WireSerializer):
    """Objects by id: PROPAGATE with all below them, SPECIFIC and UNPROPAGATE alone."""

    keeps_wire_names = True  # stored so, and answered again

    type = serializers.ChoiceField([PROPAGATE, UNPROPAGATE, SPECIFIC])
    resource_id = EachOnce(child=IdentifierField(), max_length=10_000)


class TraversalSpecInstanceSerializer(WireSerializer):
    """The part of an object tree that is meant; ``selectAllResources`` is all of it."""

    keeps_wire_names = True
    record: ClassVar[Callable[..., Any]] = partial(dict, selectAllResources=False)

    adapter_kind = serializers.CharField(max_length=255, allow_blank=True)
    name = serializers.CharField(max_length=255, allow_blank=True)
    resource_kind = optional_text(max_length=255)
    resource_selection = ResourceSelectionSerializer(many=True, required=False)
    select_all_resources = serializers.BooleanField(required=False)
    included_adapter_kinds = EachOnce(
        child=serializers.CharField(max_length=255), required=False, max_length=1_000
    )


def entries_of(instances: Iterable[Instance]) -> list[EntrySpec]:
    """What instances select, as entries of a scope."""
    entries: list[EntrySpec] = []
    for instance in instances:
        if instance["selectAllResources"]:
            entries.append(EntrySpec(type=OBJECT_TYPE))
            continue
        for part in instance.get("resourceSelection", ()):
            below = part["type"] == PROPAGATE
            entries += [
                EntrySpec(type=OBJECT_TYPE, object_pk=key, with_descendants=below)
                for key in part["resourceId"]
            ]
    return entries


def instances_of(scope: Scope) -> list[Instance]:
    """What a scope selects among this door's objects, as it was written or as its entries say.

    Reads ``scope.entries`` with their content type; entries of other types have no words here.
    """
    written = scope.properties.get(NOTES, {}).get("instances")
    if written is not None:
        return written
    keys: dict[str, list[str]] = {PROPAGATE: [], SPECIFIC: []}
    everything = scope.kind == ScopeKind.ALL
    for entry in scope.entries.all():
        content_type = entry.content_type
        if f"{content_type.app_label}.{content_type.model}" != OBJECT_TYPE:
            continue
        if entry.object_pk is None:
            everything = True
        else:
            keys[PROPAGATE if entry.with_descendants else SPECIFIC].append(entry.object_pk)
    tree = {"adapterKind": "Container", "resourceKind": "Environment", "name": scope.name or ""}
    if everything:
        return [{**tree, "selectAllResources": True}]
    selection = [
        {"type": kind, "resourceId": sorted(selected)}
        for kind, selected in keys.items()
        if selected
    ]
    if not selection:
        return []
    return [{**tree, "resourceSelection": selection, "selectAllResources": False}]
