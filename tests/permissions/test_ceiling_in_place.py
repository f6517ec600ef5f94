"""What lies inside the scope in which the caller holds it may be given, and nothing else."""

import pytest
from django.contrib.contenttypes.models import ContentType

from permissions.engine import GrantCeiling, ResourceRef, require_covers, require_grants
from permissions.models import Resource, ResourceClosure, ResourceMode
from permissions.operations import (
    ActionSpec,
    create_type,
    update_namespace,
    update_role,
    update_scope,
)
from roles.models import Namespace, Scope, ScopeEntry, ScopeKind
from tests import facts

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    """Tenants t1 and t2, folder f1 below t1, documents d1 below f1 and d2 below t2."""
    for model, actions in (("tenant", ["admin"]), ("folder", ["view"]), ("doc", ["view", "edit"])):
        create_type(
            actor=None,
            label=f"shop.{model}",
            actions=[ActionSpec(name=f"{name}_{model}") for name in actions],
            mode=ResourceMode.OPEN,
        )
    rows = {
        key: facts.resource(f"shop.{model}", key)
        for model, key in (
            ("tenant", "t1"),
            ("tenant", "t2"),
            ("folder", "f1"),
            ("doc", "d1"),
            ("doc", "d2"),
        )
    }
    for below, *above in (("f1", "t1"), ("d1", "f1", "t1"), ("d2", "t2")):
        Resource.objects.filter(pk=rows[below].pk).update(parent=rows[above[0]])
        for ancestor in above:
            ResourceClosure.objects.create(descendant=rows[below], ancestor=rows[ancestor])


def scope(*entries, kind=ScopeKind.SELECTED):
    """Of ``model``, ``model:key`` or ``model:key/`` for all below it too."""
    made = Scope.objects.create(kind=kind)
    for entry in entries:
        model, _, key = entry.rstrip("/").partition(":")
        ScopeEntry.objects.create(
            scope=made,
            content_type=ContentType.objects.get(app_label="shop", model=model),
            object_pk=key or None,
            with_descendants=entry.endswith("/"),
        )
    return made


def role_of(name, *permissions, on=None):
    role = facts.role(name)
    for permission in permissions:
        facts.grant(role, f"shop.{permission}", on)
    return role


def gives(actor, *roles, within):
    try:
        require_covers(actor=actor, roles=roles, scope=within)
    except GrantCeiling:
        return False
    return True


INSIDE = [
    ("tenant:t1/", ["tenant:t1/"]),
    ("tenant:t1/", ["folder:f1/"]),
    ("tenant:t1/", ["doc:d1"]),
    ("tenant:t1/", ["doc:d1", "folder:f1/"]),
    ("tenant:t1/", ["tenant:t2"]),  # no documents are selected by it
    ("doc", ["doc:d2"]),
    ("doc", ["doc:unheard-of"]),
    ("doc", ["doc"]),
    ("doc", ["tenant:t2/"]),
    ("tenant/", ["tenant:t2/"]),
    ("tenant/", ["folder:f1/"]),
    ("doc:d1", ["doc:d1"]),
]
OUTSIDE = [
    ("tenant:t1/", ["tenant:t2/"]),
    ("tenant:t1/", ["doc:d2"]),
    ("tenant:t1/", ["doc:d1", "doc:d2"]),
    ("tenant:t1/", ["doc"]),
    ("tenant:t1/", ["tenant/"]),
    ("tenant:t1", ["tenant:t1/"]),
    ("tenant:t1", ["doc:d1"]),
    ("folder:f1/", ["tenant:t1/"]),
    ("doc:d1", ["folder:f1/"]),
    ("doc:d1", ["doc:d1/"]),
    ("tenant/", ["doc"]),
]


@pytest.mark.parametrize(("held", "given"), INSIDE)
def test_what_lies_inside_is_given(alice, held, given):
    facts.hold(role_of("mine", "view_doc"), alice, scope=scope(held))

    assert gives(alice, role_of("reader", "view_doc"), within=scope(*given))


@pytest.mark.parametrize(("held", "given"), OUTSIDE)
def test_what_lies_outside_is_not(alice, held, given):
    facts.hold(role_of("mine", "view_doc"), alice, scope=scope(held))

    assert not gives(alice, role_of("reader", "view_doc"), within=scope(*given))


@pytest.mark.parametrize("held", ["tenant:t1/", None])
def test_what_is_held_without_limit_is_given_without(alice, held):
    facts.hold(role_of("mine", "view_doc"), alice, scope=held and scope(held))

    assert gives(alice, role_of("reader", "view_doc"), within=None) is (held is None)


def test_entries_of_a_scope_of_nothing_are_not_had_already(alice, charlie):
    asleep = scope("doc:d1", kind=ScopeKind.NOTHING)
    facts.hold(role_of("reader", "view_doc"), charlie, scope=asleep)

    with pytest.raises(GrantCeiling):
        update_scope(scope=asleep, actor=alice, kind=ScopeKind.SELECTED)


def test_all_contains_every_scope_but_not_what_has_none(alice):
    facts.hold(role_of("mine", "view_doc"), alice, scope=scope(kind=ScopeKind.ALL))
    reader = role_of("reader", "view_doc")

    assert gives(alice, reader, within=scope("doc"))
    assert gives(alice, reader, within=scope(kind=ScopeKind.ALL))
    assert not gives(alice, reader, within=None)


def test_within_a_scope_of_nothing_a_role_is_given_by_those_who_hold_it_anywhere(alice):
    reader, nothing = role_of("reader", "view_doc"), scope(kind=ScopeKind.NOTHING)

    assert not gives(alice, reader, within=nothing)
    facts.hold(role_of("mine", "view_doc"), alice, scope=scope("doc:d1"))
    assert gives(alice, reader, within=nothing)


def test_entries_may_be_held_by_different_ways(alice):
    facts.hold(role_of("mine", "view_doc"), alice, scope=scope("tenant:t1/"))
    facts.hold(role_of("mine too", "view_doc"), alice, scope=scope("doc:d2"))

    assert gives(alice, role_of("reader", "view_doc"), within=scope("folder:f1/", "doc:d2"))


def test_every_permission_of_the_role_is_judged(alice):
    facts.hold(role_of("mine", "view_doc"), alice, scope=scope("tenant:t1/"))

    assert not gives(alice, role_of("editor", "view_doc", "edit_doc"), within=scope("doc:d1"))


def test_joining_a_group_whose_role_is_held_within_such_a_scope_is_given(alice):
    facts.hold(role_of("mine", "view_doc"), alice, scope=scope("tenant:t1/"))
    readers, others = facts.group("readers"), facts.group("others")
    facts.hold(role_of("reader", "view_doc"), readers, scope=scope("folder:f1/"))
    facts.hold(role_of("other", "view_doc"), others, scope=scope("tenant:t2/"))

    require_covers(actor=alice, groups=[readers])
    with pytest.raises(GrantCeiling):
        require_covers(actor=alice, groups=[others])


def test_scopes_along_the_way_narrow_what_is_given(alice):
    facts.hold(role_of("mine", "view_doc"), alice, scope=scope("tenant:t1/"))
    inner, outer = role_of("inner", "view_doc"), facts.role("outer")
    facts.hold(inner, outer, scope=scope("folder:f1/"))

    assert gives(alice, outer, within=None)
    assert gives(alice, outer, within=scope("doc"))
    assert gives(alice, outer, within=scope("tenant:t2/"))


def test_scopes_along_the_way_narrow_what_is_held(alice):
    inner, outer = role_of("inner", "view_doc"), facts.role("outer")
    facts.hold(inner, outer, scope=scope("folder:f1/"))
    facts.hold(outer, alice, scope=scope("tenant:t1/"))
    reader = role_of("reader", "view_doc")

    assert gives(alice, reader, within=scope("doc:d1"))
    assert not gives(alice, reader, within=scope("tenant:t1/"))


def test_grants_on_single_objects_count_as_far_as_the_scope_covers_them(alice):
    facts.hold(role_of("mine", "view_doc"), alice, scope=scope("tenant:t1/"))
    reader = role_of("reader", "view_doc", on="d1")
    facts.grant(reader, "shop.view_doc", "d2")

    assert gives(alice, reader, within=scope("tenant:t1/"))
    assert not gives(alice, reader, within=scope("tenant:t1/", "tenant:t2/"))
    assert not gives(alice, reader, within=None)


CHANGES = [
    {"name": "renamed"},
    {"code": "renamed"},
    {"is_enabled": True},
]


@pytest.fixture
def tenants_role(alice, bob):
    """Assigned to bob within tenant t1, where alice administers what it gives."""
    facts.hold(role_of("mine", "view_doc"), alice, scope=scope("tenant:t1/"))
    role = role_of("clerk", "view_doc")
    role.is_enabled = False
    role.save()
    facts.hold(role, bob, scope=scope("folder:f1/"))
    return role


@pytest.mark.parametrize("change", CHANGES)
def test_a_role_that_is_assigned_within_the_scope_is_renamed_and_enabled(
    alice, tenants_role, change
):
    update_role(role=tenants_role, actor=alice, **change)
    update_role(role=tenants_role, actor=alice, is_enabled=False)

    tenants_role.refresh_from_db()
    assert not tenants_role.is_enabled


@pytest.mark.parametrize("wider", ["tenant:t2/", "", "doc"])
@pytest.mark.parametrize("change", CHANGES)
def test_one_that_is_assigned_wider_is_not(alice, charlie, tenants_role, change, wider):
    facts.hold(tenants_role, charlie, scope=scope(wider) if wider else None)

    with pytest.raises(GrantCeiling):
        update_role(role=tenants_role, actor=alice, **change)
    update_role(role=tenants_role, actor=alice, is_enabled=False)


def test_nor_one_that_will_be_but_one_that_was(alice, charlie, tenants_role):
    row = facts.hold(tenants_role, charlie, valid_from=facts.LATER)

    with pytest.raises(GrantCeiling):
        update_role(role=tenants_role, actor=alice, is_enabled=True)
    update_role(role=tenants_role, actor=alice, is_enabled=True, disabled_from=facts.LATER)
    with pytest.raises(GrantCeiling):
        update_role(role=tenants_role, actor=alice, name="renamed")
    row.valid_from, row.valid_until = None, facts.OVER
    row.save()
    update_role(role=tenants_role, actor=alice, name="renamed", disabled_from=None)


def test_nor_one_that_nobody_holds_yet(alice):
    """Whoever gives it next will mean it by the name it has."""
    facts.hold(role_of("mine", "view_doc"), alice, scope=scope("tenant:t1/"))

    with pytest.raises(GrantCeiling):
        update_role(role=role_of("clerk", "view_doc"), actor=alice, name="renamed")


def test_nor_a_role_whose_members_hold_more_by_a_role_it_gives(alice, tenants_role):
    facts.hold(role_of("editor", "edit_doc"), tenants_role)

    with pytest.raises(GrantCeiling):
        update_role(role=tenants_role, actor=alice, name="renamed")


def test_a_namespace_is_renamed_as_its_roles_are(alice, charlie, tenants_role):
    space = Namespace.objects.create(code="branch", name="Branch")
    tenants_role.namespace = space
    tenants_role.save()

    update_namespace(namespace=space, actor=alice, code="office")
    facts.hold(tenants_role, charlie, scope=scope("tenant:t2/"))
    with pytest.raises(GrantCeiling):
        update_namespace(namespace=space, actor=alice, code="branch")


def refusal(actor, role, within=None):
    with pytest.raises(GrantCeiling) as refused:
        require_covers(actor=actor, roles=[role], scope=within)
    return str(refused.value).partition("yourself: ")[2]


def test_the_refusal_says_in_which_places_the_permission_is_held(alice):
    reader, t1, t2 = role_of("reader", "view_doc"), scope("tenant:t1/"), scope("tenant:t2/")
    assert refusal(alice, reader) == "shop.view_doc."
    facts.hold(role_of("mine", "view_doc"), alice, scope=t1)
    only = "shop.view_doc (which you hold only"

    assert refusal(alice, reader) == f"{only} within a scope)."
    t1.name = "Tenant one"
    t1.save()
    assert refusal(alice, reader) == f"{only} within a scope)."
    facts.grant(alice, "authentik_rbac.view_scope", t1)
    assert refusal(alice, reader, within=t2) == f'{only} within the scope "Tenant one").'
    facts.grant(alice, "shop.view_doc", on="d2")
    places = 'within the scope "Tenant one" and on single resources'
    assert refusal(alice, reader) == f"{only} {places})."


def test_so_does_that_of_a_single_grant(alice):
    facts.hold(role_of("mine", "view_doc"), alice, scope=scope("tenant:t1/"))
    document = ResourceRef("shop.doc", "d2")

    with pytest.raises(GrantCeiling, match=r"d2 \(which you hold only within a scope"):
        require_grants(actor=alice, grants=[(facts.permission("shop.view_doc"), document)])
