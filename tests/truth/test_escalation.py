"""Nobody climbs: whatever callers without ``escalate`` write, together they can do no more.

Nor does anybody let a name by which decisions are asked cease to mean somebody who can do more.

A generated world, and callers who may administer everything (but hold of the types of the world
what the world gives them) try a sequence of writes over HTTP. Afterwards, at no moment now or
later, may what they could do together be more than it was. ``RBAC_ESCALATION_WORLDS`` asks for more
of them, ``make fuzz`` for many.
"""

import os
import random
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from accounts.models import User
from permissions.models import UserGlobalGrant
from roles.models import Namespace
from tests.truth.attempts import KINDS, NAMING, Attempts
from tests.truth.changes import MOMENTS, NOW, THINGS, TYPES, Changes, Pick
from tests.truth.powers import is_superuser_at, powers, rules_of, world_of_the_database
from tests.truth.test_worlds import grow
from tests.truth.writers import Rows, create_type

WORLDS = os.environ.get("RBAC_ESCALATION_WORLDS")
FIRST = int(os.environ.get("RBAC_ESCALATION_FIRST", NOW.toordinal() * 10_000 if WORLDS else 0))
OWN_APPS = ("authentik_core", "authentik_rbac", "permissions")
LATER = [NOW + timedelta(seconds=30), *(m for m in MOMENTS if m > NOW), NOW + timedelta(days=9)]


def administrators(world) -> list[str]:
    """Everybody who is never a superuser; may do all there is to do here, but escalate, and all
    with types like those of the world, under a label of their own.
    """
    privileged = {
        m.user
        for m in world.memberships
        if any(world.teams[team].is_superuser for team in world.ancestors(m.group))
    }
    people = [pk for pk in world.people if pk not in privileged]
    for label, codenames in TYPES.items():
        create_type(label.replace("shop", "mine"), codenames)
    for code in ("shop", "mine"):
        Namespace.objects.create(code=code, name=code)
    permissions = Permission.objects.filter(content_type__app_label__in=[*OWN_APPS, "mine"])
    for pk in people:
        UserGlobalGrant.objects.bulk_create(
            UserGlobalGrant(user_id=int(pk), permission=permission)
            for permission in permissions.exclude(codename="escalate")
        )
    return people


def reach(people):
    world = world_of_the_database()
    return [
        (
            {power for power in powers(world, people, THINGS, at) if power[0] in TYPES},
            {rule for rule in rules_of(world, people, at) if rule[0] in TYPES},
        )
        for at in LATER
    ]


def stronger(than):
    """Whom each name means that means somebody who can do what this user cannot, now or later."""
    world, found = world_of_the_database(), {}
    for pk in world.people.keys() - {than}:
        more = any(
            is_superuser_at(world, pk, at)
            or powers(world, [pk], THINGS, at) - powers(world, [than], THINGS, at)
            for at in LATER
        )
        person = world.people[pk]
        for name in filter(None, (person.username, person.external_id, person.email)):
            if more and world.person(name) == pk:
                found[name] = pk
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(FIRST, FIRST + int(WORLDS or 12)))
def test_together_they_can_do_no_more_than_before(seed):
    changes = Changes(Rows())
    grow(changes, seed, 70)
    people = administrators(changes.world)
    pick = Pick(random.Random(seed).choice)  # noqa: S311  a test's choice is no secret
    clients = {}
    for user in User.objects.filter(pk__in=people, is_active=True):
        client = APIClient(raise_request_exception=False)
        client.force_authenticate(user)
        clients[str(user.pk)] = client
    if not clients:
        return
    before = reach(people)

    done = []
    for _ in range(60):
        caller, attempt = pick(list(clients)), pick(KINDS)
        meaning = stronger(caller) if attempt in NAMING else {}
        response = attempt(Attempts(clients[caller], pick))
        if response is None:
            continue
        assert response.status_code < 500, (attempt.__name__, response.content)
        assert b'"statusCode":500' not in response.content, (attempt.__name__, response.content)
        if response.status_code < 300:
            request = response.wsgi_request
            done.append((attempt.__name__, request.path, getattr(response, "data", None)))
            for (could, ruled), (can, rules) in zip(before, reach(people), strict=True):
                assert can <= could, (can - could, done)
                assert rules <= ruled | {p[:2] for p in could if p[2] is None}, (
                    rules - ruled,
                    done,
                )
            world = world_of_the_database()
            for name, pk in meaning.items():
                assert world.person(name) == pk, (name, done)
