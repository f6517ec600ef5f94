"""One decision, or many in one call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from api.authzen.endpoint import convert, endpoint
from api.authzen.entities import Evaluation, Evaluations, Item, Semantic, without_empty
from audit.errors import InvalidInput, TooLarge
from permissions import engine
from permissions.engine import Caller, Decision, Question

MOST_EVALUATIONS = 10_000
STOPS_AT = {Semantic.DENY_ON_FIRST_DENY: False, Semantic.PERMIT_ON_FIRST_PERMIT: True}

Answer = dict[str, Any]


@endpoint(Evaluation)
def evaluation(request: Evaluation, caller: Caller) -> Answer:
    return _evaluated(request, caller)


@endpoint(dict)
def evaluations(request: dict[str, Any], caller: Caller) -> Answer:
    many = convert(request, Evaluations)
    if not many.evaluations:
        return _evaluated(convert(request, Evaluation), caller)
    if len(many.evaluations) > MOST_EVALUATIONS:
        raise TooLarge(f"One request may hold {MOST_EVALUATIONS} evaluations at most.")
    # All are decided at once: one statement for all takes less than one for each up to the end.
    stops_at = STOPS_AT.get(many.options.evaluations_semantic)
    answers = []
    for answer in _all_evaluated(many, caller):
        answers.append(answer)
        if answer["decision"] is stops_at:
            break
    return {"evaluations": answers}


def _evaluated(request: Evaluation, caller: Caller) -> Answer:
    decision = engine.check(
        request.subject.ref, request.action.name, request.resource.ref, run=caller.run
    )
    return _answer(decision, with_context=request.options.context)


def _all_evaluated(many: Evaluations, caller: Caller) -> Iterator[Answer]:
    """In order. A faulty item is a denial and leaves the others alone."""
    questions = [_question(item, many) for item in _items(many.evaluations)]
    sound = [question for question in questions if isinstance(question, Question)]
    decisions = iter(engine.check_many(sound, run=caller.run))
    with_context = many.options.context
    for question in questions:
        outcome = next(decisions) if isinstance(question, Question) else question
        yield _answer(outcome, with_context=with_context)


def _items(documents: list[Any]) -> list[Item | InvalidInput]:
    # One fault among thousands is rare: all are converted at once, and if that fails one by one.
    try:
        return list(msgspec.convert(documents, list[Item]))
    except msgspec.ValidationError:
        items: list[Item | InvalidInput] = []
    for document in documents:
        try:
            items.append(convert(document, Item))
        except InvalidInput as fault:
            items.append(fault)
    return items


def _question(item: Item | InvalidInput, defaults: Item) -> Question | InvalidInput:
    """What an item has replaces the default of that name whole; the two are never mixed."""
    if isinstance(item, InvalidInput):
        return item
    subject = _first(item.subject, defaults.subject)
    action = _first(item.action, defaults.action)
    resource = _first(item.resource, defaults.resource)
    if subject is UNSET or action is UNSET or resource is UNSET:
        return InvalidInput("An evaluation needs a subject, an action and a resource.")
    return Question(subject=subject.ref, action=action.name, resource=resource.ref)


def _first(own: Any, default: Any) -> Any:
    return default if isinstance(own, UnsetType) else own


def _answer(outcome: Decision | InvalidInput, *, with_context: bool) -> Answer:
    allowed = isinstance(outcome, Decision) and outcome.allowed
    if not with_context:
        return {"decision": allowed}
    if isinstance(outcome, InvalidInput):
        error = {"status": 400, "message": outcome.message}
        return {"decision": allowed, "context": {"error": error}}
    path = [
        without_empty({"kind": step.kind, "id": step.id, "name": step.name, "detail": step.detail})
        for step in outcome.path
    ]
    context = without_empty({"reason": outcome.reason, "path": path})
    return {"decision": allowed, "context": context}
