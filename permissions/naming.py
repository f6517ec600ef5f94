"""Names as people and other programs write them."""

from __future__ import annotations

from permissions.decisions import ResourceRef
from roles.models import DEFAULT_NAMESPACE


def label_of(type_: str) -> str:
    """The label of a resource type; a name without a namespace is in the default one."""
    return type_ if "." in type_ else f"{DEFAULT_NAMESPACE}.{type_}"


def resource_named(text: str) -> ResourceRef:
    """``shop.invoice:42``, or a type alone; colons after the first belong to the key."""
    type_, colon, key = text.partition(":")
    return ResourceRef(label_of(type_), key if colon else None)
