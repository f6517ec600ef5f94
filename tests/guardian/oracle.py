"""A process of its own: facts in as JSON, django-guardian's answers out.

The facts are in plain words (see ``test_parity``): the holders of a role are a group of guardian's,
and the resources are rows of ``auth.Group``, the one model with a table that is always there.
"""

import json
import sys
from typing import Any

import django


def answer(facts: dict[str, Any]) -> dict[str, Any]:
    from django.contrib.auth.models import Group, User
    from guardian.core import ObjectPermissionChecker
    from guardian.shortcuts import assign_perm, get_objects_for_user

    users = {name: User.objects.create(username=name, **about) for name, about in facts["users"]}
    roles = {name: Group.objects.create(name=f"role {name}") for name, _ in facts["roles"]}
    things = {name: Group.objects.create(name=name) for name in facts["things"]}
    for role, holders in facts["roles"]:
        for name in holders:
            users[name].groups.add(roles[role])
    for kind, name, codename, thing in facts["grants"]:
        holder = users[name] if kind == "user" else roles[name]
        assign_perm(f"auth.{codename}", holder, things[thing])
    return {
        "checks": [
            ObjectPermissionChecker(users[user]).has_perm(codename, things[thing])
            for user, codename, thing in facts["checks"]
        ],
        "lists": [
            sorted(
                get_objects_for_user(
                    users[user], f"auth.{codename}", Group.objects.filter(name__in=things)
                ).values_list("name", flat=True)
            )
            if users[user].is_active
            else []  # it lists what inactive users hold, although its checker denies them
            for user, codename in facts["lists"]
        ],
    }


if __name__ == "__main__":
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
