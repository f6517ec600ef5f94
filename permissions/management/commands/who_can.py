from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from permissions import engine
from permissions.engine import Reason
from permissions.management.printing import (
    BAD_USAGE,
    AnsweringCommand,
    positive,
    resource,
    table,
)


class Command(AnsweringCommand):
    help = "List the users who may do an action on a resource."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", help="view, view_invoice or shop.view_invoice")
        parser.add_argument("resource", nargs="?", help="shop.invoice:42; without it: everywhere")
        parser.add_argument("--limit", type=positive, default=1_000, help="users at most")

    def handle(self, *args: Any, **options: Any) -> None:
        on = resource(options["resource"]) if options["resource"] else None
        if unknown := engine.what_is_unknown(options["action"], on):
            what = "type" if unknown is Reason.UNKNOWN_TYPE else "action"
            raise CommandError(f"There is no such {what}.", returncode=BAD_USAGE)
        page = engine.list_subjects(options["action"], on, limit=options["limit"])
        if options["json"]:
            users = [{"pk": pk, "username": username} for pk, username in page.items]
            self.say_json({"results": users, "complete": page.next is None})
        elif page.items:
            self.say(table(["pk", "username"], [(str(pk), name) for pk, name in page.items]))
        if page.next is not None:
            self.stderr.write(f"There are more than {options['limit']}; see --limit.")
        self.finish(found=bool(page.items))
