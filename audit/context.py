"""What every audit event of one request shares: who acts, through which door, and why."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Protocol


class Actor(Protocol):
    """Whoever acts; users are the only kind so far."""

    pk: int
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    door: str = ""
    request_id: str = ""
    reason: str = ""
    actor_pk: int | None = None
    actor_name: str = ""


_context: ContextVar[Context] = ContextVar("audit_context", default=Context())


current = _context.get


@contextmanager
def bind(
    *, door: str = "", request_id: str = "", reason: str = "", actor: Actor | None = None
) -> Iterator[Context]:
    """Give every event recorded inside the block this context."""
    context = Context(door=door, request_id=request_id, reason=reason)
    if actor is not None:
        context = replace(context, actor_pk=actor.pk, actor_name=actor.username)
    token = _context.set(context)
    try:
        yield context
    finally:
        _context.reset(token)
