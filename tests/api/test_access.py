"""The rules of every view over a model, on a view that has nothing else."""

import uuid

import pytest
from django.urls import include, path
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from accounts.models import UserType
from api.access import ModelAccessViewSet
from api.v3.lists.pagination import Pagination
from roles.models import Role
from tests import facts
from tests.statements import counted

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

FORBIDDEN = {"detail": "You do not have permission to perform this action."}
NO_CREDENTIALS = {"detail": "Authentication credentials were not provided."}


class RoleSerializer(serializers.ModelSerializer):
    class Meta:
        model = Role
        fields = ["name", "code"]


class RoleViewSet(
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    mixins.ListModelMixin,
    ModelAccessViewSet,
):
    queryset = Role.objects.public().order_by("name")
    serializer_class = RoleSerializer
    pagination_class = Pagination

    @action(detail=True, methods=["post"], target_permission="authentik_rbac.change_role")
    def named(self, request, pk):
        return Response(self.get_object().name)

    @action(
        detail=True,
        methods=["get"],
        target_permission="authentik_rbac.view_role",
        global_permissions=("authentik_core.view_user",),
    )
    def twofold(self, request, pk):
        return Response(self.get_object().name)

    @action(detail=True, methods=["get"], acts_as="retrieve")
    def like_retrieve(self, request, pk):
        return Response(self.get_object().name)

    @action(detail=True, methods=["post"])
    def unnamed(self, request, pk):
        return Response("never")


router = SimpleRouter()
router.register("roles", RoleViewSet)
urlpatterns = [path("", include(router.urls))]


@pytest.fixture
def role():
    return facts.role("auditors")


@pytest.fixture
def other():
    return facts.role("others")


def names(response):
    return [row["name"] for row in response.data["results"]]


def test_a_list_that_fits_one_page_needs_three_statements(bearer_of, alice, role, other):
    client = bearer_of(alice)
    facts.grant(alice, "authentik_rbac.view_role")

    with counted() as statements:
        response = client.get("/roles/")

    assert names(response) == ["auditors", "others"]
    assert len(statements) == 3, statements


def test_a_longer_list_needs_four_statements(bearer_of, alice, role, other):
    client = bearer_of(alice)
    facts.grant(alice, "authentik_rbac.view_role")

    with counted() as statements:
        response = client.get("/roles/", {"page_size": 1})

    assert response.data["pagination"]["count"] == 2
    assert len(statements) == 4, statements


def test_a_list_holds_what_the_caller_may_view(client_of, alice, role, other):
    facts.grant(alice, "authentik_rbac.view_role", role)

    assert names(client_of(alice).get("/roles/")) == ["auditors"]


def test_a_list_of_nothing_is_refused(client_of, charlie, role):
    response = client_of(charlie).get("/roles/")

    assert (response.status_code, response.data) == (403, FORBIDDEN)


def test_an_internal_service_account_gets_an_empty_list(client_of, charlie, role):
    charlie.type = UserType.INTERNAL_SERVICE_ACCOUNT

    assert names(client_of(charlie).get("/roles/")) == []


def test_a_hidden_object_looks_like_a_missing_one(client_of, alice, role, other):
    facts.grant(alice, "authentik_rbac.view_role", role)
    client = client_of(alice)

    answers = [client.get(f"/roles/{pk}/") for pk in (other.pk, uuid.uuid4(), "junk", "a%00b")]

    assert {answer.status_code for answer in answers} == {404}


def test_who_sees_nothing_is_refused_every_object(client_of, charlie, role):
    client = client_of(charlie)

    answers = [client.get(f"/roles/{pk}/") for pk in (role.pk, uuid.uuid4())]

    assert {answer.status_code for answer in answers} == {403}


@pytest.mark.parametrize(
    ("method", "permission", "status"),
    [("patch", "change_role", 200), ("put", "change_role", 200), ("delete", "delete_role", 204)],
)
@pytest.mark.parametrize("everywhere", [True, False])
def test_a_write_needs_its_permission(
    client_of, alice, role, method, permission, status, everywhere
):
    facts.grant(alice, "authentik_rbac.view_role")
    send = getattr(client_of(alice), method)
    body = {"name": "renamed", "code": "renamed"}

    assert send(f"/roles/{role.pk}/", body).status_code == 403
    facts.grant(alice, f"authentik_rbac.{permission}", None if everywhere else role)
    assert send(f"/roles/{role.pk}/", body).status_code == status


def test_creation_needs_the_global_permission(client_of, alice, role):
    client, body = client_of(alice), {"name": "new", "code": "new"}
    facts.grant(alice, "authentik_rbac.add_role", role)

    assert client.post("/roles/", body).status_code == 403
    facts.grant(alice, "authentik_rbac.add_role")
    assert client.post("/roles/", body).status_code == 201


@pytest.mark.parametrize("everywhere", [True, False])
def test_an_action_needs_only_the_permission_it_names(client_of, alice, role, everywhere):
    assert client_of(alice).post(f"/roles/{role.pk}/named/").status_code == 403
    facts.grant(alice, "authentik_rbac.change_role", None if everywhere else role)
    assert client_of(alice).post(f"/roles/{role.pk}/named/").data == "auditors"


@pytest.mark.parametrize(
    "key", ["7f1d4f1e-3a51-4b1c-9c55-0f6f0c9f9b11", "junk", "a%00b", "9" * 5000]
)
def test_only_global_holders_learn_that_a_target_is_missing(client_of, alice, bob, role, key):
    facts.grant(alice, "authentik_rbac.change_role")
    facts.grant(bob, "authentik_rbac.change_role", role)

    assert client_of(alice).post(f"/roles/{key}/named/").status_code == 404
    assert client_of(bob).post(f"/roles/{key}/named/").status_code == 403


@pytest.mark.parametrize(
    ("grants", "status"),
    [
        ([], 403),
        ([("authentik_core.view_user", False), ("authentik_rbac.view_role", False)], 200),
        ([("authentik_core.view_user", False), ("authentik_rbac.view_role", True)], 200),
        ([("authentik_rbac.view_role", True)], 403),
        ([("authentik_core.view_user", False)], 403),
    ],
)
def test_all_named_permissions_are_needed(client_of, alice, role, grants, status):
    for name, on_object in grants:
        facts.grant(alice, name, role if on_object else None)

    assert client_of(alice).get(f"/roles/{role.pk}/twofold/").status_code == status


def test_an_action_may_follow_the_rules_of_retrieve(client_of, alice, role, other):
    facts.grant(alice, "authentik_rbac.view_role", role)

    assert client_of(alice).get(f"/roles/{role.pk}/like_retrieve/").status_code == 200
    assert client_of(alice).get(f"/roles/{other.pk}/like_retrieve/").status_code == 404


def test_an_action_that_names_nothing_is_refused_to_superusers_too(client_of, root, role):
    assert client_of(root).post(f"/roles/{role.pk}/unnamed/").status_code == 403


@pytest.mark.parametrize(
    ("method", "route", "body"),
    [
        ("get", "/roles/", NO_CREDENTIALS),
        ("post", "/roles/", NO_CREDENTIALS),
        ("get", "/roles/{pk}/", FORBIDDEN),
        ("patch", "/roles/{pk}/", FORBIDDEN),
        ("delete", "/roles/{pk}/", FORBIDDEN),
        ("get", "/roles/{pk}/like_retrieve/", FORBIDDEN),
        ("post", "/roles/{pk}/named/", NO_CREDENTIALS),
        ("post", "/roles/{missing}/named/", NO_CREDENTIALS),
    ],
)
def test_anonymous_callers_are_refused(anonymous, role, method, route, body):
    url = route.format(pk=role.pk, missing=uuid.uuid4())

    response = getattr(anonymous, method)(url)

    assert (response.status_code, response.data) == (403, body)


def test_a_method_that_does_not_exist_is_405(client_of, charlie):
    assert client_of(charlie).delete("/roles/").status_code == 405
