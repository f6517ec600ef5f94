"""What was deleted or renamed, and may still be asked about by the name it had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Q

from permissions.models import ResourceType, RetiredName
from permissions.operations.batches import batches

BATCH = 1_000


def retire_keys(label: str, keys: Iterable[str]) -> None:
    _add(RetiredName(label=label, object_pk=key) for key in keys)


def retire_labels(types: Mapping[str, ResourceType | None]) -> None:
    """With the type that had the label, which may have it back; None if that is gone."""
    # Only the last that had a label may have it back: that one is asked about by it.
    RetiredName.objects.filter(label__in=types, object_pk="").delete()
    _add(RetiredName(label=label, type=kind) for label, kind in types.items())


def retired_keys(kind: ResourceType, keys: Sequence[str]) -> set[str]:
    """Those that were registered once. One statement per 1,000."""
    retired: set[str] = set()
    for batch in batches(keys, BATCH):
        rows = RetiredName.objects.filter(label=kind.label, object_pk__in=batch)
        retired.update(rows.values_list("object_pk", flat=True))
    # The empty key stands for the label of the type itself.
    return retired - {""}


def is_retired(label: str, *, besides: ResourceType | None = None) -> bool:
    """Whether another type than this one had the label once."""
    rows = RetiredName.objects.filter(label=label, object_pk="")
    return rows.exclude(Q(type=besides) & Q(type__isnull=False)).exists()


def relabel(types: Mapping[str, ResourceType]) -> None:
    """Let what is known of types by their old labels follow them to those they have now."""
    for old, kind in types.items():
        keys = RetiredName.objects.filter(label=old).exclude(object_pk="")
        retire_keys(kind.label, keys.values_list("object_pk", flat=True))
        keys.delete()
        RetiredName.objects.filter(label=kind.label, object_pk="").delete()
    retire_labels(types)


def _add(rows: Iterable[RetiredName]) -> None:
    RetiredName.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
