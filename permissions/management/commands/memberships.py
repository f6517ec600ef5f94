from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from accounts.facts import State
from accounts.models import GroupMembership
from permissions.management.printing import AnsweringCommand, positive, table

COLUMNS = ["group", "user", "from", "until", "reason"]


class Command(AnsweringCommand):
    help = "List who is in which group, from when, until when, and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--group", help="only of the group of this name")
        parser.add_argument("--user", help="only of the user of this name")
        parser.add_argument(
            "--state", choices=State.values, default=State.ACTIVE.value, help="active by default"
        )
        parser.add_argument("--limit", type=positive, default=1_000, help="rows at most")

    def handle(self, *args: Any, **options: Any) -> None:
        columns = {"group__name": options["group"], "user__username": options["user"]}
        rows = GroupMembership.objects.in_state(State(options["state"])).filter(
            **{name: value for name, value in columns.items() if value is not None}
        )
        rows = rows.select_related("group", "user").order_by("group__name", "user__username")
        memberships, limit = list(rows[: options["limit"] + 1]), options["limit"]
        shown = [
            (
                row.group.name,
                row.user.username,
                _written(row.valid_from),
                _written(row.valid_until),
                row.reason,
            )
            for row in memberships[:limit]
        ]
        if options["json"]:
            results = [dict(zip(COLUMNS, row, strict=True)) for row in shown]
            self.say_json({"results": results, "complete": len(memberships) <= limit})
        elif shown:
            self.say(table(COLUMNS, shown))
        if len(memberships) > limit:
            self.stderr.write(f"There are more than {limit}; see --limit.")
        self.finish(found=bool(shown))


def _written(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""
