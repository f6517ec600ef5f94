from typing import Any

from django.core.management.base import BaseCommand

from audit.context import bind
from permissions.setup import load_demo


class Command(BaseCommand):
    help = "Load a small company to look at: users, nested groups, roles, resources and grants."

    def handle(self, *args: Any, **options: Any) -> None:
        with bind(door="command", reason="manage.py load_demo"):
            demo = load_demo()
        self.stdout.write(
            f"There are {demo.users} users, {demo.groups} groups, {demo.roles} roles and "
            f"{demo.types} resource types with {demo.resources} resources, all named demo.\n"
            "Try: manage.py can demo-ada approve demo.invoice:north-1-01 --explain"
        )
