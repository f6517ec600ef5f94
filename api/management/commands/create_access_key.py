import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from api.management.commands.purge_expired import duration
from permissions.operations import create_access_key, create_administrator_key


class Command(BaseCommand):
    help = "Create an access key for the GenAuth API and print it, this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--user",
            metavar="USERNAME",
            help="the account to act as; without it, a new service account that may do everything",
        )

        ends = parser.add_mutually_exclusive_group()
        ends.add_argument(
            "--expires-in",
            type=duration,
            metavar="DURATION",
            help="a number with s, m, h, d or w, such as 90d; without it, RBAC_TOKEN_LIFETIME",
        )
        ends.add_argument("--never-expires", action="store_true", help="until it is deleted")

    def handle(self, *args: Any, **options: Any) -> None:
        life: dict[str, Any] = {}
        if options["never_expires"]:
            life = {"expiring": False, "expires": None}
        elif options["expires_in"] is not None:
            life = {"expiring": True, "expires": timezone.now() + options["expires_in"]}
        if options["user"] is None:
            made = create_administrator_key(**life)
        else:
            user = User.objects.filter(username=options["user"]).first()
            if user is None:
                raise CommandError(f"There is no user {options['user']}.")
            made = create_access_key(actor=None, user=user, **life)
        pair = {
            "access_key_id": made.access_key_id,
            "access_key_secret": made.access_key_secret,
        }
        if options["json"]:
            self.stdout.write(json.dumps(pair))
            return
        for field, value in pair.items():
            self.stdout.write(f"{field}: {value}")
