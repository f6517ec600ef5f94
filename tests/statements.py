"""Counting the SQL statements of a request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connection
from django.test.utils import CaptureQueriesContext

# They cost no plan and no read, and a test's own transaction turns them into others.
_CONTROL = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK", "BEGIN", "COMMIT")


@dataclass(slots=True)
class Statements:
    texts: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.texts)

    def __str__(self) -> str:
        """What a failing assertion shows."""
        return "\n".join(f"{n}. {text}" for n, text in enumerate(self.texts, 1))


@contextmanager
def counted() -> Iterator[Statements]:
    """Statements inside the block, without transaction control; complete when it has ended.

    ``with counted() as statements: …`` then ``assert len(statements) <= 4, statements``.
    """
    statements = Statements()
    with CaptureQueriesContext(connection) as captured:
        yield statements
    texts = [str(query["sql"]) for query in captured.captured_queries]
    statements.texts.extend(text for text in texts if not text.startswith(_CONTROL))
