"""This protocol's way to select objects, and ours: traversal spec instances and scope entries.

All objects are resources of one open type, whatever adapter and kind a client says they are of. The
kinds, and whether an object was named ``SPECIFIC`` or ``UNPROPAGATE``, change no decision; they are
kept beside the scope so that clients read what they wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework import serializers

from api.aria.wire import IdentifierField, optional_text
from api.wire import WireSerializer
from permissions.operations import EntrySpec
from roles.models import Scope, ScopeKind

OBJECT_TYPE = "aria.resource"
# The key under which scopes and assignments keep this door's own words.
NOTES = "aria"
PROPAGATE, UNPROPAGATE, SPECIFIC = "PROPAGATE", "UNPROPAGATE", "SPECIFIC"

Instance = dict[str, Any]


class ResourceSelectionSerializer(WireSerializer):
    """Objects by id: PROPAGATE with all below them, SPECIFIC and UNPROPAGATE alone."""

    type = serializers.ChoiceField([PROPAGATE, UNPROPAGATE, SPECIFIC])
    resource_id = serializers.ListField(child=IdentifierField(), max_length=10_000)


class TraversalSpecInstanceSerializer(WireSerializer):
    """The part of an object tree that is meant; ``selectAllResources`` is all of it."""

    adapter_kind = serializers.CharField(max_length=255, allow_blank=True)
    name = serializers.CharField(max_length=255, allow_blank=True)
    resource_kind = optional_text(max_length=255)
    resource_selection = ResourceSelectionSerializer(many=True, required=False)
    select_all_resources = serializers.BooleanField(required=False)
    included_adapter_kinds = serializers.ListField(
        child=serializers.CharField(max_length=255), required=False, max_length=1_000
    )


def as_sent(instances: Iterable[Mapping[str, Any]]) -> list[Instance]:
    """Validated instances in the form they are kept and answered in."""
    return [_as_sent(instance) for instance in instances]


def _as_sent(instance: Mapping[str, Any]) -> Instance:
    found: Instance = {"adapterKind": instance["adapter_kind"], "name": instance["name"]}
    if "resource_kind" in instance:
        found["resourceKind"] = instance["resource_kind"]
    if "resource_selection" in instance:
        found["resourceSelection"] = [
            {"type": part["type"], "resourceId": _each_once(part["resource_id"])}
            for part in instance["resource_selection"]
        ]
    found["selectAllResources"] = instance.get("select_all_resources", False)
    if "included_adapter_kinds" in instance:
        found["includedAdapterKinds"] = _each_once(instance["included_adapter_kinds"])
    return found


def _each_once(values: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(map(str, values)))


def entries_of(instances: Iterable[Instance]) -> list[EntrySpec]:
    """What kept instances select, as entries of a scope."""
    found: list[EntrySpec] = []
    for instance in instances:
        if instance["selectAllResources"]:
            found.append(EntrySpec(type=OBJECT_TYPE))
            continue
        for part in instance.get("resourceSelection", ()):
            below = part["type"] == PROPAGATE
            found += [
                EntrySpec(type=OBJECT_TYPE, object_pk=key, with_descendants=below)
                for key in part["resourceId"]
            ]
    return found


def instances_of(scope: Scope) -> list[Instance]:
    """What a scope selects among this door's objects, as it was written or as its entries say.

    Reads ``scope.entries`` with their content type; entries of other types have no words here.
    """
    noted = scope.properties.get(NOTES, {}).get("instances")
    return noted if noted is not None else list(_from_entries(scope))


def _from_entries(scope: Scope) -> Iterable[Instance]:
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
    named = {"adapterKind": "Container", "resourceKind": "Environment", "name": scope.name or ""}
    if everything:
        yield {**named, "selectAllResources": True}
    elif any(keys.values()):
        selection = [
            {"type": kind, "resourceId": sorted(found)} for kind, found in keys.items() if found
        ]
        yield {**named, "resourceSelection": selection, "selectAllResources": False}
