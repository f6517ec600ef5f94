"""What every fact that decides has in common: an author, and the time in which it counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from audit.errors import Conflict, InvalidInput

TIMES_SWAPPED = "The end must come after the start."
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Window(NamedTuple):
    """The time in which something counts: inclusive start, exclusive end; None is no limit."""

    valid_from: datetime | None = None
    valid_until: datetime | None = None

    @property
    def start(self) -> datetime:
        return self.valid_from or EARLIEST

    @property
    def end(self) -> datetime:
        return self.valid_until or LATEST

    def contains(self, other: Window) -> bool:
        return (self.valid_from or EARLIEST) <= (other.valid_from or EARLIEST) and (
            other.valid_until or LATEST
        ) <= (self.valid_until or LATEST)

    def touches(self, other: Window) -> bool:
        """Whether they have a moment in common, or one begins when the other ends."""
        return self.start <= other.end and other.start <= self.end

    def hull(self, other: Window) -> Window:
        """From the earlier start to the later end."""
        first, last = min(self, other, key=_start), max(self, other, key=_end)
        return Window(first.valid_from, last.valid_until)

    def overlap(self, other: Window) -> Window:
        """What both have in common; ``is_empty`` when that is nothing."""
        first, last = max(self, other, key=_start), min(self, other, key=_end)
        return Window(first.valid_from, last.valid_until)

    @property
    def is_empty(self) -> bool:
        return (self.valid_until or LATEST) <= (self.valid_from or EARLIEST)

    def is_over(self, now: datetime) -> bool:
        return (self.valid_until or LATEST) <= now

    def checked(self) -> Window:
        """Raises InvalidInput for an end before its start."""
        if self.is_empty:
            raise InvalidInput(fields={"valid_until": [TIMES_SWAPPED]})
        return self

    def __str__(self) -> str:
        since, until = (moment.isoformat() if moment else "" for moment in self)
        words = [f"from {since}"] * bool(since) + [f"until {until}"] * bool(until)
        return " ".join(words) or "without limit"


ALWAYS = Window()


class Asked(NamedTuple):
    """For when a fact is asked; ``window`` None says nothing, ``now`` is the request's moment."""

    window: Window | None
    now: datetime

    @classmethod
    def at_once(cls, window: Window | None = None) -> Asked:
        """Raises InvalidInput for an end before its start, and for one in the past."""
        now = timezone.now()
        if window is not None and window.checked().is_over(now):
            raise InvalidInput(fields={"valid_until": ["The end must not lie in the past."]})
        return cls(window, now)

    def given_to(self, there: Window | None) -> Window:
        """When a fact counts once it is given: giving only gives, so it is never narrower than
        before. ``there`` is when it counts so far; None: there is no such fact.

        Raises Conflict for a time apart from one that is still to end.
        """
        if there is None or there.is_over(self.now):
            return self.window or ALWAYS
        if self.window is None:
            return there
        if not there.touches(self.window):
            message = (
                f"It is given {there} already; change that, or ask for a time that touches it."
            )
            raise Conflict(fields={"valid_from": [message]})
        hull = there.hull(self.window)
        # To begin at once, for what has begun already, is no change.
        has_begun = self.window.valid_from is None and there.start <= self.now
        return hull._replace(valid_from=there.valid_from) if has_begun else hull


def _start(window: Window) -> datetime:
    return window.start


def _end(window: Window) -> datetime:
    return window.end


def valid_at(at: datetime | None = None, *, prefix: str = "") -> Q:
    """The condition "counts at this moment"; None is the database's own clock."""
    moment: Any = Now() if at is None else at
    since, until = f"{prefix}valid_from", f"{prefix}valid_until"
    return (Q(**{f"{since}__isnull": True}) | Q(**{f"{since}__lte": moment})) & (
        Q(**{f"{until}__isnull": True}) | Q(**{f"{until}__gt": moment})
    )


class State(models.TextChoices):
    """Where in time a fact stands: counting now, still to begin, over, or any of these."""

    ACTIVE = "active"
    FUTURE = "future"
    ENDED = "ended"
    ALL = "all"


def in_state(state: State) -> Q:
    """The condition "stands so by the database's own clock"; with an end, a fact can only be over
    or still to begin, never both.
    """
    match state:
        case State.ACTIVE:
            return valid_at()
        case State.FUTURE:
            return Q(valid_from__gt=Now())
        case State.ENDED:
            return Q(valid_until__lte=Now())
    return Q()


class FactQuerySet(models.QuerySet[Any]):
    def active(self, at: datetime | None = None) -> Self:
        return self.filter(valid_at(at))

    def in_state(self, state: State) -> Self:
        return self.filter(in_state(state))


def time_indexes(name: str) -> list[models.Index]:
    """Few facts have times. What begins or ends soon is found among those alone."""
    return [
        models.Index(
            fields=[column], condition=Q(**{f"{column}__isnull": False}), name=f"{name}_{word}"
        )
        for column, word in (("valid_from", "begins"), ("valid_until", "ends"))
    ]


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

    @property
    def window(self) -> Window:
        return Window(self.valid_from, self.valid_until)
