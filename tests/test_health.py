import pytest
from django.db import connection


def test_live_needs_no_database(client):
    assert client.get("/-/health/live/").status_code == 204


@pytest.mark.django_db
def test_ready_when_the_migrations_are_applied(client):
    assert client.get("/-/health/ready/").status_code == 204


@pytest.mark.django_db
def test_not_ready_while_a_migration_is_missing(client):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'audit'")

    response = client.get("/-/health/ready/")

    assert response.status_code == 503
    assert "not applied" in response.json()["detail"]
