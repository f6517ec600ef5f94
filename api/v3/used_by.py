"""What refers to an object, as authentik's clients ask before they delete it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from accounts.models import User
from api.v3.descriptions import describe
from permissions import engine

# The list is not paginated, and an answer must end; whoever needs all asks the objects' own list.
MOST_OF_A_KIND = 1_000


class UsedBySerializer(serializers.Serializer):
    app = serializers.CharField()
    model_name = serializers.CharField()
    pk = serializers.CharField()
    name = serializers.CharField()
    action = serializers.ChoiceField(
        choices=["cascade", "cascade_many", "set_null", "set_default"],
        help_text="What deletion does to the reference.",
    )


@dataclass(frozen=True, slots=True)
class Reference:
    """Rows that refer to the object, and what becomes of them."""

    rows: QuerySet[Any]
    action: str


def used_by(references: Iterable[Reference], *, caller: User) -> list[dict[str, str]]:
    """At most 1,000 rows of each kind, only those the caller may view; two statements a kind."""
    return [
        {
            "app": row._meta.app_label,
            "model_name": str(row._meta.model_name),
            "pk": str(row.pk),
            "name": describe(row),
            "action": reference.action,
        }
        for reference in references
        for row in engine.visible(reference.rows, user=caller).rows[:MOST_OF_A_KIND]
    ]
