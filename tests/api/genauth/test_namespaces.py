"""Namespaces, in both families of operations."""

import json

import pytest

from api.genauth.document import document
from audit.models import Event, EventKind
from roles.models import Namespace, Role
from tests import facts

pytestmark = pytest.mark.django_db


def status(answer):
    return answer["statusCode"]


@pytest.fixture(params=["namespace", "permission-namespace"])
def family(request):
    return request.param


@pytest.fixture
def words(family):
    """How the family calls a list of codes and a search."""
    return ("codeList", "keywords") if family == "namespace" else ("codes", "query")


def test_a_namespace_is_created_read_and_found_by_both(admin, family):
    made = admin.call(f"create-{family}", code="shop", name="Shop", description="d")

    assert made["data"] == {"code": "shop", "name": "Shop", "description": "d"}
    assert admin.ask("get-namespace", code="shop")["data"] == made["data"]
    assert admin.ask("get-permission-namespace", code="shop")["data"] == made["data"]
    assert Event.objects.filter(kind=EventKind.NAMESPACE_CREATED, door="genauth").exists()


def test_a_bad_code_is_refused(admin, family):
    for code in ("", " ", "a b", "空间", "x" * 65):
        assert status(admin.call(f"create-{family}", code=code, name="x")) == 400
    answer = admin.call(f"create-{family}", code="a b", name="x")
    assert answer["message"] == "invalid namespace code: a b"


@pytest.mark.parametrize("code", ["default", "system", "authentik_core", "auth", "authentik_flows"])
def test_reserved_codes_are_refused(admin, family, code):
    assert status(admin.call(f"create-{family}", code=code, name="x")) == 403
    assert status(admin.call(f"create-{family}s-batch", list=[{"code": code, "name": "x"}])) in (
        403,
        409,
    )


def test_the_built_in_ones_are_taken_in_a_batch(admin, family):
    batch = [{"code": "default", "name": "x"}]

    assert status(admin.call(f"create-{family}s-batch", list=batch)) == 409


def test_a_batch_is_created_wholly_or_not_at_all(admin, family):
    def create(*codes):
        rows = [{"code": code, "name": code} for code in codes]
        return status(admin.call(f"create-{family}s-batch", list=rows))

    assert create("a", "b") == 200
    assert create("c", "b") == 409
    assert create("d", "d") == 409
    assert create() == 400
    assert set(Namespace.objects.filter(built_in=False).values_list("code", flat=True)) == {
        "a",
        "b",
    }


def test_several_are_read_and_unknown_ones_left_out(admin, family, words):
    admin.call("create-namespaces-batch", list=[{"code": "a"}, {"code": "b"}])

    for codes in (["a", "b", "x"], "a,b,x"):
        found = admin.ask(f"get-{family}s-batch", **{words[0]: codes})["data"]
        assert [one["code"] for one in found] == ["a", "b"]


def test_namespaces_are_listed_and_searched(admin, family, words):
    admin.call("create-namespace", code="shop", name="The Shop")

    listed = admin.ask(f"list-{family}s")["data"]
    assert [one["code"] for one in listed["list"]] == ["default", "system", "shop"]
    assert listed["list"][2]["status"] == 1
    assert admin.ask(f"list-{family}s", **{words[1]: "SHOP"})["data"]["totalCount"] == 1
    assert status(admin.ask(f"list-{family}s", limit=51)) == 400


def test_a_new_code_renames_what_is_named_after_it(admin, family):
    admin.call("create-namespace", code="shop")
    admin.call("create-role", code="clerk", namespace="shop")
    answer = admin.call(f"update-{family}", code="shop", newCode="store", name="Store")

    named = "newCode" if family == "namespace" else "code"
    assert (answer["data"][named], answer["data"]["name"]) == ("store", "Store")
    assert Role.objects.public().get().name == "store:clerk"
    assert status(admin.ask("get-role", code="clerk", namespace="store")) == 200


def test_a_new_code_is_free_and_not_reserved(admin, family):
    admin.call("create-namespaces-batch", list=[{"code": "a"}, {"code": "b"}])

    assert status(admin.call(f"update-{family}", code="a", newCode="b")) == 409
    assert status(admin.call(f"update-{family}", code="a", newCode="auth")) == 403
    assert status(admin.call(f"update-{family}", code="default", newCode="x")) == 403
    assert status(admin.call(f"update-{family}", code="a", newCode="", name="A")) == 200
    assert status(admin.call(f"update-{family}", code="unknown", name="x")) == 404


def test_a_namespace_goes_with_its_roles(admin, family):
    admin.call("create-namespace", code="shop")
    admin.call("create-role", code="clerk", namespace="shop")

    assert status(admin.call(f"delete-{family}", code="shop")) == 200
    assert not Role.objects.public().exists()
    assert status(admin.ask("get-namespace", code="shop")) == 404
    assert status(admin.call(f"delete-{family}", code="")) == 400
    assert status(admin.call(f"delete-{family}", code="default")) == 403


def test_of_unknown_codes_only_one_family_complains(admin):
    admin.call("create-namespaces-batch", list=[{"code": "a"}])

    answer = admin.call("delete-permission-namespaces-batch", codes=["a", "x"])
    assert (status(answer), answer["message"]) == (404, "permission group does not exist")
    assert status(admin.call("delete-namespaces-batch", codeList=["a", "x"])) == 200
    assert not Namespace.objects.filter(code="a").exists()


def test_at_most_ten_are_deleted_at_once(admin):
    codes = [f"n{n}" for n in range(11)]

    assert status(admin.call("delete-namespaces-batch", codeList=codes)) == 400
    assert status(admin.call("delete-permission-namespaces-batch", codes=codes)) == 400


def test_the_roles_of_a_namespace_are_listed(admin, family, words):
    admin.call("create-roles-batch", list=[{"code": "a"}, {"code": "b", "name": "Boss"}])

    listed = admin.ask(f"list-{family}-roles", code="default")["data"]
    assert [one["code"] for one in listed["list"]] == ["a", "b"]
    assert listed["list"][0]["updatedAt"].endswith("Z")
    found = admin.ask(f"list-{family}-roles", code="default", **{words[1]: "boss"})["data"]
    assert found["totalCount"] == 1


def test_whether_code_and_name_are_free(admin):
    admin.call("create-namespace", code="shop", name="Shop")

    def check(**fields):
        return admin.call("check-permission-namespace-exists", **fields)["data"]["isValid"]

    assert check(code="other", name="Other")
    assert not check(code="shop")
    assert not check(name="Shop")


def test_a_stranger_sees_and_changes_nothing(caller_of, charlie, family):
    caller = caller_of(charlie)

    assert status(caller.ask(f"list-{family}s")) == 403
    assert status(caller.ask(f"get-{family}", code="default")) == 403
    assert status(caller.call(f"create-{family}", code="x", name="x")) == 403
    assert status(caller.call(f"delete-{family}", code="default")) == 403


def test_deleting_a_namespace_needs_the_right_to_delete_what_is_in_it(caller_of, admin, alice):
    admin.call("create-namespace", code="shop")
    admin.call("create-role", code="clerk", namespace="shop")
    for name in ("view_namespace", "delete_namespace"):
        facts.grant(alice, f"authentik_rbac.{name}")

    assert status(caller_of(alice).call("delete-namespace", code="shop")) == 403
    facts.grant(alice, "authentik_rbac.delete_role")
    assert status(caller_of(alice).call("delete-namespace", code="shop")) == 200


@pytest.fixture
def shop(admin, family):
    """The ETag of a namespace, as the answer to its creation had it; and how to send it back."""
    path = "/genauth/api/v3/"
    made = admin.client.post(f"{path}create-{family}", {"code": "shop", "name": "Shop"})

    def send(operation, etag, **body):
        body = {"code": "shop", **body}
        url = f"{path}{operation}-{family}"
        return admin.client.post(url, body, headers={"If-Match": etag})

    return made["ETag"], send


def test_a_namespace_answers_its_etag_and_honours_it(admin, family, shop):
    etag, send = shop
    url = f"/genauth/api/v3/get-{family}"
    assert admin.client.get(url, {"code": "shop"})["ETag"] == etag

    changed = send("update", etag, name="Store")

    assert (status(changed.json()), changed.status_code) == (200, 200)
    assert changed["ETag"] == admin.client.get(url, {"code": "shop"})["ETag"] != etag
    assert status(send("delete", changed["ETag"]).json()) == 200
    assert not Namespace.objects.filter(code="shop").exists()


@pytest.mark.parametrize("operation", ["update", "delete"])
def test_a_namespace_in_another_state_stays(admin, shop, operation):
    etag, send = shop
    Namespace.objects.filter(code="shop").update(description="by somebody else")
    events = Event.objects.count()

    for named in (etag, f"W/{etag}"):
        response = send(operation, named, name="Store")
        assert (response.status_code, status(response.json())) == (412, 412)
    assert status(send(operation, "no etag", name="Store").json()) == 400
    assert Namespace.objects.get(code="shop").name == "Shop"
    assert Event.objects.count() == events


def test_the_document_tells_of_etags(family):
    paths = json.loads(document())["paths"]

    assert "412" in paths[f"/update-{family}"]["post"]["responses"]
    assert "412" in paths[f"/delete-{family}"]["post"]["responses"]
    assert "headers" in paths[f"/get-{family}"]["get"]["responses"]["200"]
