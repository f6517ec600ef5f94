import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from permissions.operations import purge_expired

SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
MOST_SECONDS = 36_500 * SECONDS["d"]


class Command(BaseCommand):
    help = (
        "Delete grants, assignments and memberships whose time ended long ago, with audit events."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than",
            type=duration,
            required=True,
            metavar="DURATION",
            help="how long ago it must have ended: a number with s, m, h, d or w, such as 90d",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        counts = purge_expired(older_than=options["older_than"], actor=None)
        for name, count in counts.items():
            self.stdout.write(f"{count:>8} {name.replace('_', ' ')}")


def duration(text: str) -> timedelta:
    match = re.fullmatch(r"([0-9]{1,9})([smhdw])", text)
    if match is None or int(match[1]) * SECONDS[match[2]] > MOST_SECONDS:
        raise ArgumentTypeError("a number with s, m, h, d or w is needed, such as 90d")
    return timedelta(seconds=int(match[1]) * SECONDS[match[2]])
