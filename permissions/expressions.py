"""Expressions for querysets that the two databases spell differently."""

from __future__ import annotations

from typing import Any

from django.db.models import Func, TextField

from permissions import sql


class UuidText(Func):
    """A uuid column as people write it. To make a UUID in Python and write it out takes longer than
    to read the rest of the row.
    """

    arity = 1
    output_field = TextField()

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **context: Any) -> Any:
        column, values = compiler.compile(self.source_expressions[0])
        assert not values, "a column"
        return sql.text_for(connection.vendor).dialect.uuid_text.format(column=column), []
