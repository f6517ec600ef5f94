from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand

from accounts.models import User
from permissions.setup import ADMIN, bootstrap_admin


class Command(BaseCommand):
    help = "Create the first administrator in an empty database; elsewhere do nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        password, token = settings.RBAC_BOOTSTRAP_PASSWORD, settings.RBAC_BOOTSTRAP_TOKEN
        result = bootstrap_admin(password=password or None, token=token or None)
        if result is None:
            self.stdout.write("The database is in use already; no administrator was created.")
            return
        self.stdout.write("Created the administrator akadmin.")
        # What the operator gave is known to them and stays out of logs; what was made here is
        # shown this once.
        if not password:
            self.stdout.write(f"  password: {result.password}")
        if not token:
            self.stdout.write(f"  token:    {result.token}")
        # The operator's choice counts, but not in silence.
        try:
            validate_password(password, User(username=ADMIN))
        except ValidationError as refusal:
            for message in refusal.messages if password else ():
                self.stderr.write(f"RBAC_BOOTSTRAP_PASSWORD is easy to guess: {message}")
