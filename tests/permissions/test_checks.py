import re

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from permissions.models import UserGlobalGrant
from tests.server import ROOT

pytestmark = pytest.mark.django_db


def found():
    return [m for m in run_checks(databases=["default"]) if m.id.startswith("rbac.")]


@pytest.fixture
def dropped():
    """An index of a grant table is gone."""
    index, *_ = UserGlobalGrant._meta.indexes
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {index.name}")
    return index.name


def test_a_migrated_database_has_every_index():
    assert found() == []


def test_a_missing_index_is_an_error_that_says_what_to_do(dropped):
    [error] = found()

    assert error.id == "rbac.E001"
    assert dropped in error.msg
    assert "manage.py migrate" in error.hint


def test_the_service_does_not_start_without_it(dropped):
    with pytest.raises(CommandError, match=r"rbac\.E001"):
        call_command("serve", skip_checks=False)


def test_pending_migrations_are_not_kept_from_running(dropped):
    MigrationRecorder.Migration.objects.filter(app="permissions").delete()

    assert found() == []


def test_every_check_is_documented():
    text = (ROOT / "permissions" / "checks.py").read_text()
    documented = (ROOT / "docs" / "operations.md").read_text()

    assert all(f"| `{id_}` |" in documented for id_ in re.findall(r'"(rbac\.[EW]\d+)"', text))
