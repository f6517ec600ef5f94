"""The lists of the tables: who sees them, what they show, that they change nothing."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError
from django.urls import reverse

from accounts import signins
from accounts.models import User
from audit.models import Event, EventKind
from console.lists.kinds import KINDS
from permissions.models import Resource, ResourceClosure, ResourceType, RetiredName
from permissions.operations import create_group, create_user
from permissions.operations.assignments import assign_role
from permissions.operations.grants import assign_permissions
from permissions.operations.roles import create_role
from permissions.setup.bootstrap import bootstrap_admin
from roles.models import InitialPermissions, Scope, ScopeEntry

PASSWORD = "correct horse battery staple"
OWN = ("audit", "authentik_core", "authentik_rbac", "permissions")
PAGES = {
    model._meta.label_lower: model
    for model in admin.site._registry
    if model._meta.app_label in (*OWN, "auth")
}

pytestmark = pytest.mark.django_db


@pytest.fixture
def facts():
    """At least one row of every model."""
    bootstrap_admin(password=PASSWORD)
    role = create_role(actor=None, name="auditor")
    top = create_group(actor=None, name="company")
    group = create_group(actor=None, name="staff", parents=[top], roles=[role])
    user = create_user(actor=None, username="erin", groups=[group])
    signins.sign_in(user=user)
    for principal in (user, role):
        for model, object_pk in ((None, None), ("authentik_core.group", str(top.pk))):
            assign_permissions(
                principal=principal,
                names=["authentik_core.view_group"],
                model=model,
                object_pk=object_pk,
                actor=None,
            )
    scope = Scope.objects.create(name="everything", kind="selected")
    kind = ResourceType.objects.labelled("authentik_flows.flow").get()
    ScopeEntry.objects.create(scope=scope, content_type=kind.content_type, object_pk="1")
    assign_role(role=role, principal=user, scope=scope, actor=None)
    InitialPermissions.objects.create(name="initial", role=role)
    flow = Resource.objects.create(type=kind, object_pk="1", name="login")
    ResourceClosure.objects.create(descendant=flow, ancestor=flow)
    RetiredName.objects.create(label=kind.label, object_pk="0")


@pytest.fixture
def akadmin(client, facts):
    client.force_login(User.objects.get(username="akadmin"))
    return client


def sign_in(client, username, password):
    return client.post("/admin/login/", {"username": username, "password": password})


def test_the_administrator_signs_in_by_password(client, facts):
    response = sign_in(client, "akadmin", PASSWORD)

    assert response.status_code == 302
    assert client.get("/admin/").status_code == 200


def test_signing_in_is_recorded_once(client, facts):
    sign_in(client, "akadmin", PASSWORD)

    user = User.objects.get(username="akadmin")
    event = Event.objects.get(kind=EventKind.LOGGED_IN, target_pk=str(user.pk))
    assert (event.actor_pk, event.door) == (user.pk, "console")
    assert user.last_login is not None


def test_a_wrong_password_lets_nobody_in(client, facts):
    assert sign_in(client, "akadmin", "wrong").status_code == 200
    assert client.get("/admin/").status_code == 302
    assert not Event.objects.filter(kind=EventKind.LOGGED_IN, door="console").exists()


def test_a_user_without_the_permission_to_enter_stays_outside(client, facts):
    create_user(actor=None, username="frank", password=PASSWORD)

    assert sign_in(client, "frank", PASSWORD).status_code == 200
    assert client.get("/admin/").status_code == 302


def test_who_may_enter_sees_only_what_may_be_viewed(client, facts):
    frank = create_user(actor=None, username="frank", password=PASSWORD)
    assign_permissions(
        principal=frank,
        names=["authentik_rbac.access_admin_interface", "authentik_core.view_group"],
        model=None,
        object_pk=None,
        actor=None,
    )

    assert sign_in(client, "frank", PASSWORD).status_code == 302
    assert client.get("/admin/authentik_core/group/").status_code == 200
    assert client.get("/admin/authentik_core/user/").status_code == 403


def test_a_deactivated_administrator_is_out_at_once(akadmin):
    User.objects.filter(username="akadmin").update(is_active=False)

    assert akadmin.get("/admin/").status_code == 302


# What rows are made of, or made from; each is shown with those. Events and facts
# have pages of their own.
PARTS = {
    "groupclosure", "resourceclosure", "scopeentry", "event",
    *(kind.table.model._meta.model_name for kind in KINDS),
}  # fmt: skip


def test_every_model_has_its_list():
    managed = {
        model._meta.label_lower
        for label in OWN
        for model in apps.get_app_config(label).get_models()
        if model._meta.managed and not model._meta.auto_created
    }
    parts = {label for label in managed if label.partition(".")[2] in PARTS}

    assert managed - parts == {label for label in PAGES if not label.startswith("auth.")}


def shown_rows(model):
    """Actions are listed of registered types alone: Django's own mean nothing here."""
    rows = model._default_manager.all()
    return rows.filter(content_type__resource_type__isnull=False) if model is Permission else rows


@pytest.mark.parametrize("label", PAGES)
def test_a_page_lists_searches_and_shows(akadmin, label):
    model = PAGES[label]
    info = model._meta.app_label, model._meta.model_name
    listing = reverse("admin:{}_{}_changelist".format(*info))
    row = shown_rows(model).first()

    assert row is not None, "the fixture has a row of every model"
    assert akadmin.get(listing).status_code == 200
    assert akadmin.get(listing, {"q": "a"}).status_code == 200
    shown = akadmin.get(reverse("admin:{}_{}_change".format(*info), args=[row.pk]))
    assert shown.status_code == 200


@pytest.mark.parametrize("label", PAGES)
def test_no_page_writes(akadmin, label):
    model = PAGES[label]
    info = model._meta.app_label, model._meta.model_name
    before = list(model._default_manager.order_by("pk").values())
    pk = before[0][model._meta.pk.attname]

    answers = [
        akadmin.post(reverse("admin:{}_{}_add".format(*info)), {}),
        akadmin.post(reverse("admin:{}_{}_change".format(*info), args=[pk]), {}),
        akadmin.post(reverse("admin:{}_{}_delete".format(*info), args=[pk]), {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert list(model._default_manager.order_by("pk").values()) == before


def test_secrets_are_not_shown(akadmin):
    admin_user = User.objects.get(username="akadmin")
    token = admin_user.tokens.get()
    pages = [
        akadmin.get(reverse("admin:authentik_core_user_change", args=[admin_user.pk])),
        akadmin.get(reverse("admin:authentik_core_token_change", args=[token.pk])),
    ]

    for page in pages:
        for secret in (admin_user.password, token.key_digest, token.key_sealed):
            assert secret not in page.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "user/?password__startswith=p",
        "token/?key_sealed__startswith=a",
        "token/?key_digest__regex=^a",
        "token/?user__password__startswith=p",
        "signin/?key_digest__startswith=a",
    ],
)
def test_a_secret_cannot_be_guessed_by_filtering(akadmin, query):
    assert akadmin.get(f"/admin/authentik_core/{query}").status_code == 400


def test_the_filters_beside_a_list_work(akadmin):
    create_user(actor=None, username="idle", is_active=False)

    page = akadmin.get("/admin/authentik_core/user/", {"is_active__exact": "0"})

    assert [row.username for row in page.context["cl"].result_list] == ["idle"]


def test_changing_ones_own_password_is_recorded(client, facts):
    sign_in(client, "akadmin", PASSWORD)
    new = {"new_password1": "another good one", "new_password2": "another good one"}
    answer = client.post("/admin/password_change/", {"old_password": PASSWORD, **new})

    user = User.objects.get(username="akadmin")
    event = Event.objects.filter(kind=EventKind.PASSWORD_SET).latest("id")
    assert answer.status_code == 302
    assert user.check_password("another good one")
    assert (event.actor_pk, event.target_pk, event.door) == (user.pk, str(user.pk), "console")


def test_the_session_that_changed_the_password_stays_and_others_end(client, facts):
    other = type(client)()
    for browser in (client, other):
        sign_in(browser, "akadmin", PASSWORD)
    new = {"new_password1": "another good one", "new_password2": "another good one"}
    client.post("/admin/password_change/", {"old_password": PASSWORD, **new})

    assert client.get("/admin/").status_code == 200
    assert other.get("/admin/").status_code == 302


def test_a_wrong_old_password_changes_nothing(client, facts):
    sign_in(client, "akadmin", PASSWORD)
    new = {"new_password1": "another good one", "new_password2": "another good one"}
    answer = client.post("/admin/password_change/", {"old_password": "wrong", **new})

    assert answer.status_code == 200
    assert User.objects.get(username="akadmin").check_password(PASSWORD)
    assert not Event.objects.filter(kind=EventKind.PASSWORD_SET).exists()


@pytest.mark.parametrize("page", ["", "authentik_core/user/", "password_change/"])
def test_without_a_database_a_page_says_so(akadmin, monkeypatch, page):
    def fail(*args: object) -> None:
        raise OperationalError("connection is bad")

    akadmin.raise_request_exception = False
    monkeypatch.setattr(SessionStore, "_get_session_from_db", fail)
    response = akadmin.get(f"/admin/{page}")

    assert response.status_code == 503
    assert response.content == b"The database does not answer; try again."


def test_types_without_a_class_are_shown(akadmin):
    kind = ContentType.objects.create(app_label="shop", model="invoice")
    ResourceType.objects.create(
        content_type=kind, app_verbose_name="Shop", verbose_name="Invoice", mode="open"
    )
    Resource.objects.create(type_id=kind.pk, object_pk="7", name="Invoice 7")

    page = akadmin.get("/admin/permissions/resource/", {"q": "Invoice 7"})

    assert "Invoice 7" in page.content.decode()
