import pytest

URL = "/.well-known/authzen-configuration"


@pytest.fixture
def public(settings):
    settings.RBAC_PUBLIC_URL = "https://pdp.example.com"
    return settings


def test_every_call_has_its_address(client, public):
    response = client.get(URL)

    assert response["Content-Type"] == "application/json"
    assert response.json() == {
        "policy_decision_point": "https://pdp.example.com",
        "access_evaluation_endpoint": "https://pdp.example.com/access/v1/evaluation",
        "access_evaluations_endpoint": "https://pdp.example.com/access/v1/evaluations",
        "search_subject_endpoint": "https://pdp.example.com/access/v1/search/subject",
        "search_resource_endpoint": "https://pdp.example.com/access/v1/search/resource",
        "search_action_endpoint": "https://pdp.example.com/access/v1/search/action",
    }


@pytest.mark.parametrize("header", ["HTTP_HOST", "HTTP_X_FORWARDED_HOST"])
def test_the_host_header_decides_nothing(client, public, header):
    assert "evil" not in client.get(URL, **{header: "evil.example"}).content.decode()


def test_a_public_path_comes_behind_the_well_known_name(client, public):
    public.RBAC_PUBLIC_URL = "https://example.com/tenants/one"

    metadata = client.get(f"{URL}/tenants/one").json()

    assert metadata["policy_decision_point"] == "https://example.com/tenants/one"
    assert metadata["access_evaluation_endpoint"].startswith("https://example.com/tenants/one/")


def test_other_tenants_are_unknown(client, public):
    assert client.get(f"{URL}/other").status_code == 404


def test_it_can_only_be_read(client, public):
    assert client.head(URL).status_code == 200
    assert client.post(URL).status_code == 405


def test_the_request_id_is_echoed(client, public):
    assert client.get(URL, HTTP_X_REQUEST_ID="one")["X-Request-ID"] == "one"
