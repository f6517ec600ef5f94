import pytest
from django.db import connection

from permissions import engine
from permissions.engine.words import ResourceRef, SubjectRef

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite prepares nothing"),
]


def test_a_statement_is_prepared_once_whatever_the_size_of_its_numbers():
    for user_id in (1, 100_000, 10_000_000_000):
        for _ in range(3):
            engine.check(SubjectRef(pk=user_id), "view", ResourceRef("authentik_core.user", "7"))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%user_global%%'"
        )
        assert cursor.fetchone() == (1,)
