"""Moments that a client can mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

# Nothing given here began or ended before: an earlier time is a number in the wrong unit.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


class MomentField(serializers.DateTimeField):
    # No docstring: the OpenAPI document would describe every member that has none by it.

    default_error_messages = {"implausible": "A time before the year 2000 cannot be meant."}

    def to_internal_value(self, value: Any) -> datetime:
        moment = super().to_internal_value(value)
        if moment < EARLIEST:
            self.fail("implausible")
        return moment
