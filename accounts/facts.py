"""What every fact behind a decision has in common: an author, and the time in which it counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


def valid_at(at: datetime | None = None, *, prefix: str = "") -> Q:
    """The condition "counts at this moment"; None is the database's own clock."""
    moment: Any = Now() if at is None else at
    since, until = f"{prefix}valid_from", f"{prefix}valid_until"
    return (Q(**{f"{since}__isnull": True}) | Q(**{f"{since}__lte": moment})) & (
        Q(**{f"{until}__isnull": True}) | Q(**{f"{until}__gt": moment})
    )


class FactQuerySet(models.QuerySet[Any]):
    def active(self, at: datetime | None = None) -> Self:
        return self.filter(valid_at(at))


class Fact(models.Model):
    """Counts from ``valid_from`` (inclusive) to ``valid_until`` (exclusive); null is unlimited."""

    valid_from = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    # No constraint and no index: deleting an author must not search millions of facts for it. The
    # number stays behind and is never given to anybody else, so it points at the right audit trail.
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )

    objects = FactQuerySet.as_manager()

    class Meta:
        abstract = True
