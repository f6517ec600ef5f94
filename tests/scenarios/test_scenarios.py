"""Every ``*.yaml`` here through the engine and every door that decides.

A scenario has ``given`` facts, then ``allow`` and ``deny``: lines of subject, action and, unless
the question has none, resource (``type:key``). ``lists`` says what ``subject action type`` lists.
``then`` continues with changes and what holds after them. Times are in days from now.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from accounts.models import User
from permissions.models import Resource
from tests import facts
from tests.truth.asking import Asked, Asks, AuthZen, Engine, Native
from tests.truth.naive import Principal, Thing
from tests.truth.writers import Operations, create_type

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


class Story:
    """Makes the facts of a scenario through the operations; names stand for keys."""

    def __init__(self) -> None:
        self.write = Operations()
        self.keys: dict[tuple[str, str], str] = {}

    def tell(self, chapter: dict[str, Any]) -> None:
        """In this order, so that what is named exists."""
        for line in chapter.get("deleted", ()):
            self._delete(*line.split(" ", 1))
        for label, about in chapter.get("types", {}).items():
            create_type(label, about["actions"], mode=about.get("mode", "open"))
        for name, about in chapter.get("users", {}).items():
            self._add_user(name, about or {})
        for name, about in chapter.get("groups", {}).items():
            self._add_group(name, about or {})
        for line in chapter.get("resources", ()):
            child, _, parent = line.partition(" below ")
            self.write.register(_thing(child), _thing(parent) if parent else None)
        for name, about in chapter.get("scopes", {}).items():
            self.keys["scope", name] = self.write.add_scope(
                about if isinstance(about, str) else "selected",
                [] if isinstance(about, str) else [_entry(line) for line in about],
            )
        for name, about in chapter.get("roles", {}).items():
            self._add_role(name, about or {})
        for assignment in chapter.get("assignments", ()):
            self._assign(**assignment)
        for grant in chapter.get("grants", ()):
            self._grant(**grant)

    def _add_user(self, name: str, about: dict[str, Any]) -> None:
        self.keys["user", name] = str(self.write.add_user(username=name, **about).pk)

    def _add_group(self, name: str, about: dict[str, Any]) -> None:
        pk = self.keys["group", name] = self.write.add_group(name)
        if about.get("is_superuser"):
            self.write.set_superuser(pk, is_superuser=True)
        self.write.set_parents(pk, {self.keys["group", above] for above in about.get("in", ())})
        for member in about.get("members", ()):
            user, _, until = member.partition(" until ")
            self.write.join(self.keys["user", user], pk, None, _day(until))

    def _add_role(self, name: str, about: dict[str, Any]) -> None:
        pk = self.keys["role", name] = self.write.add_role(name)
        self.write.set_role(
            pk,
            enabled=about.get("enabled", True),
            disabled_from=_day(about.get("disabled_from")),
        )

    def _assign(self, role: str, to: str, **limits: Any) -> None:
        self.write.assign(
            self.keys["role", role],
            self._principal(to),
            self.keys["scope", limits["scope"]] if "scope" in limits else None,
            _day(limits.get("from")),
            _day(limits.get("until")),
        )

    def _grant(self, to: str, resource: str, may: list[str], **times: Any) -> None:
        """``resource`` is ``type:key``, or a type for a global grant."""
        label, colon, key = resource.partition(":")
        for codename in may:
            self.write.grant(
                self._principal(to),
                (label, codename),
                key if colon else None,
                _day(times.get("from")),
                _day(times.get("until")),
            )

    def _delete(self, kind: str, name: str) -> None:
        if kind == "resource":
            self.write.delete_resource(_thing(name))
            return
        delete = {
            "user": self.write.delete_user,
            "group": self.write.delete_group,
            "role": self.write.delete_role,
        }
        delete[kind](self.keys.pop((kind, name)))

    def _principal(self, text: str) -> Principal:
        kind, name = text.split(" ", 1)
        return kind, self.keys[kind, name]


def _thing(text: str) -> Thing:
    label, _, key = text.partition(":")
    return label, key


def _entry(text: str) -> tuple[str, str | None, bool]:
    line = text.removesuffix(" and below")
    label, colon, key = line.partition(":")
    return label, key if colon else None, line != text


def _day(number: Any) -> datetime | None:
    if number in (None, ""):
        return None
    return datetime.now(UTC) + timedelta(days=float(number))


def _asked(line: str) -> Asked:
    subject, action, *rest = line.split(" ", 2)
    return subject, action, _thing(rest[0]) if rest else None


def agree(asks: Asks, chapter: dict[str, Any]) -> None:
    allow = [_asked(line) for line in chapter.get("allow", ())]
    deny = [_asked(line) for line in chapter.get("deny", ())]
    expected = [
        (asked, allowed)
        for questions, allowed in ((allow, True), (deny, False))
        for asked in questions
        if asked[2] is not None or not asks.needs_resource
    ]
    if not expected:
        return
    assert dict(zip_with(expected, asks.check)) == dict(expected)
    assert dict(zip_with(expected, asks.explain)) == dict(expected)
    many = asks.check_many([asked for asked, _ in expected])
    assert {asked: got for (asked, _), got in zip(expected, many, strict=True)} == dict(expected)
    for asked, allowed in expected:
        _agree_on_lists(asks, asked, allowed=allowed)
    for line, keys in chapter.get("lists", {}).items():
        assert asks.resources(*line.split(" ", 2)) == keys, line


def zip_with(expected: Iterable[tuple[Asked, bool]], ask: Any) -> Iterable[tuple[Asked, bool]]:
    return ((asked, ask(asked)) for asked, _ in expected)


def _agree_on_lists(asks: Asks, asked: Asked, *, allowed: bool) -> None:
    subject, action, thing = asked
    if thing is None:
        return
    by_name = User.objects.filter(username=subject)
    names = asks.subjects(action, thing)
    assert names == [name for name in names if asks.check((name, action, thing))]
    assert allowed == (subject in names) or not by_name.exists(), asked
    for name in asks.actions(subject, thing):
        assert asks.check((subject, name, thing)), (subject, name, thing)
    keys = asks.resources(subject, action, thing[0])
    if not allowed:
        assert thing[1] not in keys, asked
    elif Resource.objects.filter(**_registered(thing)).exists():
        assert thing[1] in keys, asked


def _registered(thing: Thing) -> dict[str, str]:
    app_label, _, model = thing[0].partition(".")
    return {
        "type__content_type__app_label": app_label,
        "type__content_type__model": model,
        "object_pk": thing[1],
    }


@pytest.fixture
def gate(bearer_of):
    """A client that may ask about anybody."""
    gateway = User.objects.create(username="the gateway")
    facts.grant(gateway, "authentik_rbac.check_access")
    return bearer_of(gateway)


@pytest.fixture(params=["engine", "authzen", "native"])
def asks(request, gate) -> Asks:
    doors: dict[str, Asks] = {
        "engine": Engine(),
        "authzen": AuthZen(gate),
        "native": Native(gate),
    }
    return doors[request.param]


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMES)
def test_scenario(name, asks):
    scenario = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    story = Story()
    story.tell(scenario["given"])
    agree(asks, scenario)
    for chapter in scenario.get("then", ()):
        story.tell(chapter)
        agree(asks, chapter)
