import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
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

    def handle(self, *args: Any, **options: Any) -> None:
        if options["user"] is None:
            made = create_administrator_key()
        else:
            user = User.objects.filter(username=options["user"]).first()
            if user is None:
                raise CommandError(f"There is no user {options['user']}.")
            made = create_access_key(actor=None, user=user)
        pair = {
            "access_key_id": made.access_key_id,
            "access_key_secret": made.access_key_secret,
        }
        if options["json"]:
            self.stdout.write(json.dumps(pair))
            return
        for field, value in pair.items():
            self.stdout.write(f"{field}: {value}")
