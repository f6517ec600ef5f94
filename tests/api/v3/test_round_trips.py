"""How often one assignment waits for the database, the transaction's own words included."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from permissions.models import ResourceMode
from permissions.operations import ActionSpec, TypeSpec, create_types
from tests import facts

MOST = 7
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture(autouse=True)
def _waits():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite runs in the same process: there is nothing to wait for")


@pytest.fixture
def giver(bearer_of, alice, db) -> Any:
    """An ordinary caller who holds what it gives."""
    spec = TypeSpec(label="shop.order", actions=[ActionSpec(name="view")], mode=ResourceMode.OPEN)
    create_types(actor=None, specs=[spec])
    for kind in ("user", "role"):
        for verb in ("assign", "unassign"):
            app = "core" if kind == "user" else "rbac"
            facts.grant(alice, f"authentik_{app}.{verb}_{kind}_permissions")
    facts.grant(alice, "shop.view")
    return bearer_of(alice)


@pytest.mark.parametrize("kind", ["users", "roles"])
@pytest.mark.parametrize(
    "on", [{"model": "shop.order", "object_pk": "1"}, {}], ids=["on one object", "everywhere"]
)
def test_giving_and_taking_away_take_seven_round_trips(giver, bob, kind, on):
    grantee = bob.pk if kind == "users" else facts.role("auditors").pk
    path = f"/api/v3/rbac/permissions/assigned_by_{kind}/{grantee}"
    body = {"permissions": ["shop.view"], **on}
    for _ in range(2):  # what is built once is built in the first round
        with CaptureQueriesContext(connection) as given:
            assert giver.post(f"{path}/assign/", body, format="json").status_code == 200
        with CaptureQueriesContext(connection) as taken:
            assert giver.patch(f"{path}/unassign/", body, format="json").status_code == 204

    assert len(given) <= MOST, [one["sql"] for one in given]
    assert len(taken) <= MOST, [one["sql"] for one in taken]
