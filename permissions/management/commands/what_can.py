from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError

from permissions import engine
from permissions.engine import Reason, SubjectRef
from permissions.management.printing import (
    BAD_USAGE,
    AnsweringCommand,
    positive,
    resource,
    table,
)
from permissions.queries import EffectivePermission, effective_permissions, grants_of

Row = Sequence[str]


class Command(AnsweringCommand):
    help = (
        "List what a subject may do: all its grants; with a resource the actions on it; with an"
        " action and a type the resources."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("subject", help="user name, uuid, external id or e-mail address")
        parser.add_argument("what", nargs="*", help="[action] and shop.invoice or shop.invoice:42")
        parser.add_argument("--limit", type=positive, default=1_000, help="rows at most")

    def handle(self, *args: Any, **options: Any) -> None:
        subject, limit = SubjectRef(options["subject"]), options["limit"]
        columns, allowed = self._allowed(subject, options["what"], limit + 1)
        shown = allowed[:limit]
        if options["json"]:
            rows = [dict(zip(columns, row, strict=True)) for row in shown]
            self.say_json({"results": rows, "complete": len(allowed) <= limit})
        elif shown:
            self.say(table(columns, shown))
        if len(allowed) > limit:
            self.stderr.write(f"There are more than {limit}; see --limit.")
        self.finish(found=bool(shown))

    def _allowed(
        self, subject: SubjectRef, what: list[str], limit: int
    ) -> tuple[list[str], list[Row]]:
        """Columns, and as many rows of them as there are, up to ``limit``."""
        if not what:
            rows: list[Row] = []
            user = engine.find_user(subject)
            if user is not None:
                if user.is_superuser:
                    rows.append(("everything", "everything", Reason.SUPERUSER, ""))
                rows += map(_row, effective_permissions(user, grants_of(user)[:limit]))
            return ["permission", "on", "through", "until"], rows
        if len(what) > 2:
            raise CommandError("Name an action and a resource type at most.", returncode=BAD_USAGE)
        on = resource(what[-1])
        if len(what) == 1:
            if on.id is None:
                message = f"Name an action, or a resource as {on}:42."
                raise CommandError(message, returncode=BAD_USAGE)
            return ["action"], [(name,) for name in engine.list_action_names(subject, on)[:limit]]
        if on.id is not None:
            raise CommandError(f"Name a type, not the resource {on}.", returncode=BAD_USAGE)
        page = engine.list_resources(subject, what[0], on.type, limit=limit)
        # More are allowed than are known.
        any_other = [(f"{on.type}:*",)] * engine.holds_on_any(subject, what[0], on.type)
        return ["resource"], [*any_other, *((f"{on.type}:{key}",) for key in page.items)]


def _row(held: EffectivePermission) -> Row:
    kind = held.permission.content_type
    type_ = f"{kind.app_label}.{kind.model}"
    holders = " or ".join(
        f"held by {through.assignment.principal._meta.model_name} {through.assignment.principal}"
        + (f" on {through.covers}" if through.covers is not None else "")
        for through in held.held_through
    )
    return (
        f"{kind.app_label}.{held.permission.codename}",
        type_ if held.object_pk is None else f"{type_}:{held.object_pk}",
        f"role {held.role}, {holders}" if held.role else "own",
        f"{held.valid_until:%Y-%m-%d %H:%M} UTC" if held.valid_until else "",
    )
