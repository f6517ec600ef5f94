"""A small company to look at: people in nested groups, roles, shops and their invoices.

Everything is named ``demo``, made by the operations, and made once: loading again adds what is
missing and changes nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle

from django.db import transaction

from accounts.models import Group, User
from permissions.engine import ResourceRef
from permissions.models import ResourceType
from permissions.operations import (
    ActionSpec,
    EntrySpec,
    ResourceSpec,
    add_members,
    add_parent,
    assign_permissions,
    assign_role,
    change_assignment,
    create_group,
    create_role,
    create_scope,
    create_type,
    create_user,
    register_resources,
)
from roles.models import Role, Scope

PATH = "demo"
ACTIONS = ("view", "change", "approve")
REGION, SHOP, INVOICE = "demo.region", "demo.shop", "demo.invoice"
REGIONS = ("north", "south")
SHOPS_PER_REGION, INVOICES_PER_SHOP = 3, 10

PEOPLE = """
    ada alan amara ben bianca carl chen dara diego edith emeka fatima frida george grace hana
    hugo ines ivan joan kenji lena luis mary mei nadia noor olaf paula quinn ravi rosa sami
    tara vera yusuf
""".split()  # noqa: SIM905  thirty-six quoted words would read worse

# Each group with the ones above it; groups come after what they lie below.
GROUPS: dict[str, tuple[str, ...]] = {
    "Demo company": (),
    "Demo sales": ("Demo company",),
    "Demo sales north": ("Demo sales",),
    "Demo sales south": ("Demo sales",),
    "Demo finance": ("Demo company",),
    "Demo audit": ("Demo finance",),
    "Demo support": ("Demo sales", "Demo finance"),
}
TEAMS = ("Demo sales north", "Demo sales south", "Demo audit", "Demo support")


@dataclass(frozen=True, slots=True)
class RolePlan:
    """What the role is granted everywhere, the roles it brings along, and who holds it."""

    grants: tuple[str, ...]
    includes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


ROLES = {
    "Demo reader": RolePlan(
        ("demo.view_region", "demo.view_shop", "demo.view_invoice"), groups=("Demo company",)
    ),
    "Demo clerk": RolePlan(
        ("demo.change_invoice",), includes=("Demo reader",), groups=("Demo sales",)
    ),
    "Demo approver": RolePlan(
        ("demo.approve_invoice",), includes=("Demo clerk",), groups=("Demo finance",)
    ),
    "Demo shopkeeper": RolePlan((), groups=("Demo sales north",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """How much of everything there is."""

    users: int
    groups: int
    roles: int
    types: int
    resources: int


@transaction.atomic
def load_demo() -> Demo:
    """Idempotent. Acts as the service itself, so nobody's ceiling limits it."""
    resources = _resources()
    groups: dict[str, Group] = {}
    for name, parents in GROUPS.items():
        group = Group.objects.filter(name=name).first()
        groups[name] = group or create_group(actor=None, name=name)
        for parent in parents:
            add_parent(group=groups[name], parent=groups[parent], actor=None)
    users = _users(groups)
    roles: dict[str, Role] = {}
    for name, plan in ROLES.items():
        role = Role.objects.filter(name=name).first() or create_role(actor=None, name=name)
        roles[name] = role
        _grant(role, *plan.grants)
        for included in plan.includes:
            assign_role(role=roles[included], principal=role, actor=None)
        for holder in plan.groups:
            assign_role(role=role, principal=groups[holder], actor=None)
    _exceptions(users, groups, roles)
    return Demo(
        users=len(users), groups=len(groups), roles=len(roles), types=3, resources=resources
    )


def _resources() -> int:
    region = _type(REGION, "Region", None)
    shop = _type(SHOP, "Shop", region)
    invoice = _type(INVOICE, "Invoice", shop)
    regions = [ResourceSpec(object_pk=name, name=name.capitalize()) for name in REGIONS]
    shops = [
        _below(ResourceRef(REGION, each.object_pk), f"{number}", "Shop")
        for each in regions
        for number in range(1, SHOPS_PER_REGION + 1)
    ]
    invoices = [
        _below(ResourceRef(SHOP, each.object_pk), f"{number:02}", "Invoice")
        for each in shops
        for number in range(1, INVOICES_PER_SHOP + 1)
    ]
    for kind, items in ((region, regions), (shop, shops), (invoice, invoices)):
        register_resources(actor=None, type=kind, items=items)
    return len(regions) + len(shops) + len(invoices)


def _type(label: str, name: str, parent: ResourceType | None) -> ResourceType:
    model = label.partition(".")[2]
    actions = [ActionSpec(name=f"{action}_{model}") for action in ACTIONS]
    return ResourceType.objects.labelled(label).first() or create_type(
        actor=None, label=label, verbose_name=name, actions=actions, parent=parent
    )


def _below(parent: ResourceRef, number: str, kind: str) -> ResourceSpec:
    """``north-2`` lies below ``north``, and ``north-2-07`` below that."""
    key = f"{parent.id}-{number}"
    return ResourceSpec(object_pk=key, name=f"{kind} {key}", parent=parent)


def _users(groups: dict[str, Group]) -> list[User]:
    """Without passwords: people who can be asked about, not people who can sign in."""
    users = []
    members: dict[str, list[User]] = {team: [] for team in TEAMS}
    for name, team in zip(PEOPLE, cycle(TEAMS), strict=False):
        username, email = f"demo-{name}", f"{name}@demo.example.com"
        user = User.objects.filter(username=username).first() or create_user(
            actor=None, username=username, name=name.capitalize(), email=email, path=PATH
        )
        users.append(user)
        members[team].append(user)
    for team, people in members.items():
        add_members(group=groups[team], users=people, actor=None)
    return users


def _exceptions(users: list[User], groups: dict[str, Group], roles: dict[str, Role]) -> None:
    """Something to explain in each: a scope, one object, one person, and a time that is over."""
    south = EntrySpec(type=REGION, object_pk="south", with_descendants=True)
    scope = Scope.objects.filter(name="Demo south").first() or create_scope(
        actor=None, name="Demo south", entries=[south]
    )
    approver, southerners = roles["Demo approver"], groups["Demo sales south"]
    assign_role(role=approver, principal=southerners, scope=scope, actor=None)
    _grant(roles["Demo shopkeeper"], "change_shop", on=ResourceRef(SHOP, "north-1"))
    _grant(users[0], "approve_invoice", on=ResourceRef(INVOICE, "north-1-01"))
    if not approver.assignments.filter(user=users[1]).exists():
        # What is given cannot have ended; what was given can be.
        row = assign_role(role=approver, principal=users[1], actor=None)
        over = datetime(2025, 1, 1, tzinfo=UTC)
        change_assignment(row=row, valid_until=over, reason="stood in for a colleague", actor=None)


def _grant(principal: User | Role, *names: str, on: ResourceRef | None = None) -> None:
    assign_permissions(
        principal=principal,
        names=names,
        model=on.type if on else None,
        object_pk=on.id if on else None,
        actor=None,
    )
