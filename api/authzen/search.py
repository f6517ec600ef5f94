"""Who may, on what, and which actions: the three searches."""

from __future__ import annotations

from typing import Any

from api.authzen.endpoint import endpoint
from api.authzen.entities import ActionSearch, ResourceSearch, SubjectSearch
from api.authzen.paging import window
from permissions import engine
from permissions.engine import USER_TYPES, Caller, label_of

Answer = dict[str, Any]


@endpoint(SubjectSearch)
def subjects(request: SubjectSearch, caller: Caller) -> Answer:
    """By user name. Asks about everybody, so callers that may only ask about themselves may not."""
    asked = window(request, start=0)
    kind = request.subject.type
    if kind not in USER_TYPES:
        return asked.answer([], None)
    page = engine.list_subjects(
        request.action.name,
        request.resource.ref,
        after=asked.after,
        limit=asked.size,
        run=caller.run,
    )
    return asked.answer([{"type": kind, "id": name} for _, name in page.items], page.next)


@endpoint(ResourceSearch)
def resources(request: ResourceSearch, caller: Caller) -> Answer:
    """By key. Known resources only, as ``engine.list_resources``; with the last of them the context
    says when any other resource of the type would be allowed too.
    """
    asked = window(request, start="")
    kind = request.resource.type
    subject, action, label = request.subject.ref, request.action.name, label_of(kind)
    page = engine.list_resources(
        subject, action, label, after=asked.after, limit=asked.size, run=caller.run
    )
    answer = asked.answer([{"type": kind, "id": key} for key in page.items], page.next)
    if page.next is None and engine.holds_on_any(subject, action, label, run=caller.run):
        answer["context"] = {"everywhere": True}
    return answer


@endpoint(ActionSearch)
def actions(request: ActionSearch, caller: Caller) -> Answer:
    """By the shortest name that an evaluation takes for the same permission."""
    asked = window(request, start="")
    names = engine.list_action_names(request.subject.ref, request.resource.ref, run=caller.run)
    later = [name for name in names if name > asked.after]
    page = later[: asked.size]
    following = page[-1] if len(later) > len(page) else None
    return asked.answer([{"name": name} for name in page], following)
