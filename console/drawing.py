"""A way through the facts as a picture: one box below the other, from the subject to the resource.

``Drawing.of(steps, resource, at=…)`` goes into ``console/path.html``, which shows it with the same
as text beside it. Boxes stand below each other, so that a phone shows them as well as a desk does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse

from permissions.engine import ResourceRef, Step, StepKind, short

WIDTH, HEIGHT, GAP = 360, 58, 24
LETTERS, SMALL_LETTERS = 42, 56
PAGES = {
    StepKind.USER: "admin:authentik_core_user_change",
    StepKind.GROUP: "admin:authentik_core_group_change",
    StepKind.ROLE: "admin:authentik_rbac_role_change",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """``note`` says how it is reached and when that counts; ``is_hindered``, that it does not."""

    kind: str
    name: str
    note: str = ""
    url: str = ""
    is_hindered: bool = False
    y: int = 0

    @property
    def short_name(self) -> str:
        return _cut(self.name, LETTERS)

    @property
    def short_note(self) -> str:
        return _cut(self.note, SMALL_LETTERS)

    @property
    def lines(self) -> tuple[int, int, int]:
        """Where the kind, the name and the note are written."""
        return self.y + 17, self.y + 34, self.y + 50

    @property
    def arrow(self) -> tuple[int, int]:
        """From the box above."""
        return self.y - GAP, self.y - 2


@dataclass(frozen=True, slots=True)
class Drawing:
    boxes: tuple[Box, ...]

    @classmethod
    def of(cls, steps: Iterable[Step], resource: ResourceRef | None, *, at: datetime) -> Drawing:
        boxes = list(_boxes(steps, resource, at))
        end = str(resource) if resource else "everything"
        boxes.append(Box(kind="resource", name=end))
        return cls(tuple(replace(box, y=1 + n * (HEIGHT + GAP)) for n, box in enumerate(boxes)))

    @property
    def width(self) -> int:
        return WIDTH

    @property
    def height(self) -> int:
        return len(self.boxes) * (HEIGHT + GAP) - GAP + 2


def times(valid_from: datetime | None, valid_until: datetime | None) -> str:
    since = f"from {valid_from:%Y-%m-%d %H:%M}" if valid_from else ""
    until = f"until {valid_until:%Y-%m-%d %H:%M}" if valid_until else ""
    return " ".join(word for word in (since, until) if word)


def _boxes(steps: Iterable[Step], resource: ResourceRef | None, at: datetime) -> Iterator[Box]:
    for step in steps:
        is_late = (step.valid_from is not None and step.valid_from > at) or (
            step.valid_until is not None and step.valid_until <= at
        )
        note = ", ".join(
            word for word in (step.detail, times(step.valid_from, step.valid_until)) if word
        )
        page = PAGES.get(step.kind)
        yield Box(
            kind=str(step.kind),
            name=_name(step, resource),
            note=note,
            url=reverse(page, args=[step.id]) if page else "",
            is_hindered=is_late,
        )
        if step.scope:
            yield Box(kind="scope", name=step.scope.removeprefix("scope "), note="limits the role")


def _name(step: Step, resource: ResourceRef | None) -> str:
    if step.kind is not StepKind.GRANT or resource is None:
        return step.name or step.id
    codename, model = step.name.partition(".")[2], resource.type.partition(".")[2]
    return f"{short(codename, model)} · {resource.type}"


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
