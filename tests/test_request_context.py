import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from audit import context
from rbac_service.middleware import REASON_LENGTH, RequestMiddleware


def bound(path="/api/v3/x", **headers):
    """The context a view sees, and the request id that is echoed."""
    seen = []

    def view(request):
        seen.append(context.current())
        return HttpResponse()

    response = RequestMiddleware(view)(RequestFactory().get(path, headers=headers))
    return seen[0], response["X-Request-ID"]


def test_a_request_id_is_kept_and_echoed():
    seen, echoed = bound(**{"X-Request-ID": "trace-1/a=b"})

    assert seen.request_id == echoed == "trace-1/a=b"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "é", "a\tb"])
def test_a_malformed_request_id_is_replaced(given):
    seen, echoed = bound(**{"X-Request-ID": given})

    assert seen.request_id == echoed
    assert len(echoed) == 32


@pytest.mark.parametrize(
    ("path", "door"),
    [
        ("/api/v3/rbac/roles/", "v3"),
        ("/access/v1/evaluation", "authzen"),
        ("/.well-known/authzen-configuration", "authzen"),
        ("/suite-api/api/auth/roles", "aria"),
        ("/genauth/api/v3/list-roles", "genauth"),
        ("/admin/", "console"),
        ("/-/health/live/", ""),
    ],
)
def test_the_door_follows_from_the_path(path, door):
    assert bound(path)[0].door == door


def test_a_reason_is_utf8_on_one_line_and_bounded():
    sent = ("Prüfung\x07 §4 " + "x" * 600).encode().decode("latin-1")

    reason = bound(**{"X-Audit-Reason": sent})[0].reason

    assert reason.startswith("Prüfung  §4 x")
    assert len(reason) == REASON_LENGTH


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("Pr%C3%BCfung %C2%A74", "Prüfung §4"),
        ("5% more, 100%", "5% more, 100%"),
        ("two%0Alines%00", "two lines"),
        ("%FF", "\ufffd"),
    ],
)
def test_a_reason_may_be_percent_encoded(sent, reason):
    assert bound(**{"X-Audit-Reason": sent})[0].reason == reason


def test_the_context_ends_with_the_request():
    bound(**{"X-Request-ID": "one"})

    assert context.current().request_id == ""


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/access/v1/evaluation", "/access/v1/unknown"])
def test_decisions_go_around_sessions_and_browser_headers(client, path):
    assert "X-Frame-Options" in client.get("/admin/login/")

    response = client.post(path)

    assert response.status_code in {401, 404}
    assert set(response.headers) & {"X-Frame-Options", "Referrer-Policy", "Vary"} == set()
