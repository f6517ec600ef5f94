from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Event, EventKind
from permissions import engine
from permissions.engine.words import ResourceRef
from permissions.models import UserObjectPermission
from permissions.operations.types import ActionSpec, create_type
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db
ASSIGN, REVOKE = "/api/v3/rbac/bulk/assign/", "/api/v3/rbac/bulk/revoke/"


@pytest.fixture
def invoices():
    actions = [ActionSpec(name="view_invoice"), ActionSpec(name="pay_invoice")]
    create_type(actor=None, label="shop.invoice", actions=actions)
    for key in ("1", "2", "3"):
        facts.resource("shop.invoice", key)


@pytest.fixture
def wanted(invoices, alice, bob):
    return {
        "users": [alice.pk, bob.pk],
        "roles": [str(facts.role("clerks").pk)],
        "permissions": ["view_invoice", "pay_invoice"],
        "model": "shop.invoice",
        "object_pks": ["1", "2"],
    }


def outcomes(response):
    return [item["result"] for item in response.json()]


def test_every_permission_on_every_object_for_everybody(client_of, root, wanted, alice):
    client = client_of(root)

    response = client.post(ASSIGN, wanted)

    assert response.status_code == 200
    assert outcomes(response) == ["granted"] * 12
    assert response.json()[0] == {
        "user": alice.pk,
        "role": None,
        "permission": "shop.view_invoice",
        "object_pk": "1",
        "result": "granted",
    }
    assert engine.check(alice, "pay", ResourceRef("shop.invoice", "2")).allowed
    assert not engine.check(alice, "pay", ResourceRef("shop.invoice", "3")).allowed
    assert Event.objects.filter(kind=EventKind.GRANT_CREATED).count() == 12
    assert outcomes(client.post(ASSIGN, wanted)) == ["unchanged"] * 12
    assert Event.objects.filter(kind=EventKind.GRANT_CREATED).count() == 12


def test_giving_for_longer_changes_and_giving_for_less_does_not(client_of, root, wanted, alice):
    client, until = client_of(root), timezone.now() + timedelta(days=1)
    first = client.post(ASSIGN, wanted | {"valid_until": until.isoformat()})
    assert outcomes(first) == ["granted"] * 12
    assert UserObjectPermission.objects.filter(user=alice, valid_until=until).count() == 4

    assert outcomes(client.post(ASSIGN, wanted)) == ["unchanged"] * 12
    assert outcomes(client.post(ASSIGN, wanted | {"valid_until": None})) == ["changed"] * 12
    less = client.post(ASSIGN, wanted | {"valid_until": until.isoformat()})
    assert outcomes(less) == ["unchanged"] * 12
    assert not UserObjectPermission.objects.filter(valid_until__isnull=False).exists()


def test_revoking_tells_what_was_not_held(client_of, root, wanted, bob):
    client = client_of(root)
    client.post(ASSIGN, wanted | {"users": [bob.pk], "roles": []})

    response = client.post(REVOKE, wanted)

    assert outcomes(response) == ["not_held"] * 4 + ["revoked"] * 4 + ["not_held"] * 4
    assert Event.objects.filter(kind=EventKind.GRANT_DELETED).count() == 4


def test_without_objects_the_grants_are_global(client_of, root, invoices, bob):
    sent = {"users": [bob.pk], "permissions": ["shop.view_invoice", "authentik_core.view_group"]}

    response = client_of(root).post(ASSIGN, sent)

    assert [item["object_pk"] for item in response.json()] == [None, None]
    assert engine.check(bob, "authentik_core.view_group").allowed
    assert outcomes(client_of(root).post(REVOKE, sent)) == ["revoked", "revoked"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"users": [], "roles": []}, "users"),
        ({"users": [999999]}, "users"),
        ({"users": ["x"]}, "users"),
        ({"users": [10**30]}, "users"),
        ({"roles": ["x"]}, "roles"),
        ({"permissions": []}, "permissions"),
        ({"permissions": ["no_such"]}, "permissions"),
        ({"permissions": "view_invoice"}, "permissions"),
        ({"model": "no.such"}, "model"),
        ({"object_pks": ["1", "nothing"]}, "object_pks"),
        ({"object_pks": ["1", "\0"]}, "object_pks"),
        ({"object_pks": []}, "object_pks"),
        ({"model": None}, "model"),
        (
            {"valid_from": "2030-01-02T00:00:00Z", "valid_until": "2030-01-01T00:00:00Z"},
            "valid_until",
        ),
    ],
)
def test_bad_input_is_keyed_and_writes_nothing(client_of, root, wanted, changed, field):
    response = client_of(root).post(ASSIGN, wanted | changed)

    assert (response.status_code, list(response.json())) == (400, [field])
    assert not UserObjectPermission.objects.exists()


def test_too_many_are_413(client_of, root, wanted):
    response = client_of(root).post(ASSIGN, wanted | {"object_pks": list(map(str, range(2000)))})

    assert response.status_code == 413


def test_it_needs_the_permission_on_each_and_meets_the_ceiling(
    client_of, charlie, wanted, alice, bob
):
    wanted["roles"] = []
    client = client_of(charlie)
    facts.grant(charlie, "authentik_core.assign_user_permissions", on=alice)
    facts.grant(charlie, "shop.view_invoice")
    assert client.post(ASSIGN, wanted).status_code == 403

    facts.grant(charlie, "authentik_core.assign_user_permissions", on=bob)
    beyond = client.post(ASSIGN, wanted)
    assert (beyond.status_code, beyond.json()["code"]) == (403, "grant_ceiling")
    assert not UserObjectPermission.objects.filter(user=bob).exists()

    facts.grant(charlie, "shop.pay_invoice")
    assert client.post(ASSIGN, wanted).status_code == 200
    assert client.post(REVOKE, wanted).status_code == 403


def test_many_facts_cost_as_many_statements_as_few(client_of, root, wanted):
    client = client_of(root)
    with counted() as few:
        client.post(ASSIGN, wanted | {"object_pks": ["1"]})
    with counted() as many:
        client.post(ASSIGN, wanted | {"object_pks": ["2", "3"]})

    assert len(few) == len(many), many
