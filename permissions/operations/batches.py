"""Long lists in parts, because a statement takes a limited number of parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def batches(items: Iterable[T], size: int = 1_000) -> Iterator[list[T]]:
    rows = list(items)
    return (rows[start : start + size] for start in range(0, len(rows), size))
