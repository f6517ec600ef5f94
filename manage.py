#!/usr/bin/env python
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rbac_service.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError, OperationalError

    try:
        # Read the settings before anything else does, so that a wrong environment ends the start
        # with one line instead of a traceback.
        settings.INSTALLED_APPS  # noqa: B018  reading it loads the settings
    except ImproperlyConfigured as error:
        sys.exit(f"configuration error: {error}")
    try:
        execute_from_command_line(sys.argv)
    except DatabaseError as error:
        # A database that cannot be reached, opened or written; other kinds of error are faults.
        if type(error) not in (DatabaseError, OperationalError) or "--traceback" in sys.argv:
            raise
        sys.exit(f"database error: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main()
