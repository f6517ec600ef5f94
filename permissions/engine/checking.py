"""The one evaluator: may this subject do this action on this resource, and why?

Allowed when, now, the subject is active and one of: superuser; a global grant of its own, or of a
role held without scope; an object grant of its own, or of a role held; a role held within scopes
that all cover the resource. Additive, no deny. Whatever is unknown is a denial, never an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models.expressions import RawSQL

from accounts.facts import Window
from accounts.models import User
from permissions.engine import running, sql
from permissions.engine.words import (
    Decision,
    Page,
    Question,
    Reason,
    ResourceRef,
    Step,
    StepKind,
    SubjectRef,
    action_parameters,
    free_name,
    moment,
    searchable,
    short,
    subject_parameters,
)
from permissions.models import ResourceType, python_model, related_model

HEX_ID = re.compile(r"[0-9A-Fa-f]{24}")
M = TypeVar("M", bound=models.Model)


class Verdict(NamedTuple):
    """A row that a check's statement answers: whom and what the question is about, and what allows.

    ``user_id``, ``type_id`` and ``permission_id`` are None if there is no such thing, ``reason`` if
    nothing allows. ``holder`` is the role that has the grant, or the group that makes superusers.
    """

    user_id: int | None
    is_active: bool | None
    type_id: int | None
    permission_id: int | None
    reason: str | None
    holder: Any
    grant_id: int | None

    def decision(self, resource: ResourceRef | None) -> Decision:
        if self.reason is not None:
            reason = Reason(self.reason)
            path = [Step(kind=StepKind.USER, id=str(self.user_id))]
            if self.holder is not None:
                kind = StepKind.GROUP if reason is Reason.SUPERUSER else StepKind.ROLE
                # SQLite stores uuids as bare digits.
                key = UUID(self.holder) if isinstance(self.holder, str) else self.holder
                path.append(Step(kind=kind, id=str(key)))
            if self.grant_id is not None:
                path.append(Step(kind=StepKind.GRANT, id=str(self.grant_id), detail=reason))
            return Decision(allowed=True, reason=reason, path=tuple(path))
        if self.user_id is None:
            reason = Reason.UNKNOWN_SUBJECT
        elif not self.is_active:
            reason = Reason.INACTIVE_SUBJECT
        elif self.type_id is None and resource is not None:
            reason = Reason.UNKNOWN_TYPE
        elif self.permission_id is None:
            reason = Reason.UNKNOWN_ACTION
        else:
            reason = Reason.NO_GRANT
        return Decision(allowed=False, reason=reason)


def check(
    subject: SubjectRef | User,
    action: str,
    resource: ResourceRef | None = None,
    *,
    at: datetime | None = None,
    throughout: Window | None = None,
    using: str = DEFAULT_DB_ALIAS,
    run: running.Run = running.rows,
) -> Decision:
    """Answer one question with one statement, and two more if the type is named by its free name.

    ``at`` None is the database's clock. ``throughout`` asks about all of a time instead of a
    moment: whether one way lasts that long.
    """
    asked = partial(ask, subject, action, at=at, throughout=throughout, using=using, run=run)
    decision, _ = asked(resource)
    if decision.reason is Reason.UNKNOWN_TYPE and resource is not None:
        label = label_called(resource.type, using=using)
        if label is not None:
            decision, _ = asked(ResourceRef(label, resource.id))
    return decision


def ask(
    subject: SubjectRef | User,
    action: str,
    resource: ResourceRef | None = None,
    *,
    at: datetime | None = None,
    throughout: Window | None = None,
    using: str = DEFAULT_DB_ALIAS,
    run: running.Run = running.rows,
) -> tuple[Decision, Verdict | None]:
    """``check`` for a type named by its label. With the verdict, for those who go on to read about
    the question; None if no statement was needed.
    """
    if not _searchable(resource):
        # Nothing can be granted on it, and the database would answer with an error.
        return Decision(allowed=False, reason=Reason.NO_GRANT), None
    parameters = {
        **subject_parameters(subject),
        **action_parameters(action, resource),
        "object_pk": resource.id if resource else None,
        "at": moment(at),
    }
    # Two statements, because what a plan mentions costs time though it is not used.
    name = "check" if resource else "check_globally"
    vendor, naming = connections[using].vendor, _naming(parameters)
    if throughout is None:
        text = sql.statement(vendor, name, naming)
    else:
        text = sql.throughout(vendor, name, naming)
        parameters |= {
            "since": moment(throughout.valid_from),
            "until": moment(throughout.valid_until),
        }
    [row] = run(text, parameters, using=using)
    verdict = Verdict(*row)
    return verdict.decision(resource), verdict


def clock(using: str = DEFAULT_DB_ALIAS) -> datetime:
    """The database's time, for several statements that must all mean the same moment."""
    [(now,)] = running.rows(sql.statement(connections[using].vendor, "clock"), {}, using=using)
    return now if isinstance(now, datetime) else datetime.fromisoformat(now).replace(tzinfo=UTC)


def find_user(subject: SubjectRef, *, using: str = DEFAULT_DB_ALIAS) -> User | None:
    """Whom a subject names, by the rules of every decision; two statements."""
    text = sql.statement(connections[using].vendor, "subject")
    [(user_id,)] = running.rows(text, subject_parameters(subject), using=using)
    return User.objects.using(using).with_superuser().filter(pk=user_id).first()


def holds(user: User, permission: str) -> bool:
    """Whether a user has ``app_label.codename`` globally."""
    return check(user, permission).allowed


def may_each(user: User, action: str, rows: Iterable[models.Model]) -> bool:
    """The user may do the action on every one of our own rows; one statement."""
    subject = SubjectRef.of(user)
    questions = [
        Question(
            subject=subject,
            action=action,
            resource=ResourceRef(row._meta.label_lower, str(row.pk)),
        )
        for row in rows
    ]
    return all(decision.allowed for decision in check_many(questions))


def check_many(
    questions: Sequence[Question],
    *,
    at: datetime | None = None,
    throughout: Window | None = None,
    using: str = DEFAULT_DB_ALIAS,
    run: running.Run = running.rows,
) -> list[Decision]:
    """Answer any number of questions, in their order, with one statement.

    Two more if types are named by free names. ``throughout`` asks about a whole time instead of a
    moment: whether there is one way that lasts so long.
    """
    if not questions:
        return []
    vendor = connections[using].vendor
    parameters: dict[str, Any] = {**_asked(questions), "at": moment(at)}
    text = sql.statement(vendor, "check_many")
    if throughout is not None:
        text = sql.throughout(vendor, "check_many")
        parameters["since"] = moment(throughout.valid_from)
        parameters["until"] = moment(throughout.valid_until)
    decisions = [Decision(allowed=False, reason=Reason.NO_GRANT)] * len(questions)
    unknown: dict[int, Question] = {}
    for n, *row in run(text, parameters, using=using):
        decisions[n] = Verdict(*row).decision(questions[n].resource)
        if decisions[n].reason is Reason.UNKNOWN_TYPE:
            unknown[n] = questions[n]
    # A name is looked up as a label first, and once more only if it is none: a label costs nothing.
    by_label = _by_label(unknown, using) if unknown else {}
    answers = check_many(
        list(by_label.values()), at=at, throughout=throughout, using=using, run=run
    )
    for n, decision in zip(by_label, answers, strict=True):
        decisions[n] = decision
    return decisions


def _asked(questions: Sequence[Question]) -> dict[str, str]:
    """The questions as parameters of ``check_many``, those left out that no row can answer."""
    subjects: dict[SubjectRef, int] = {}
    actions: dict[tuple[str, str | None], int] = {}
    items = []
    for n, question in enumerate(questions):
        if not _searchable(question.resource):
            continue
        kind = question.resource.type if question.resource else None
        s = subjects.setdefault(question.subject, len(subjects))
        a = actions.setdefault((question.action, kind), len(actions))
        key = question.resource.id if question.resource else None
        items.append({"n": n, "s": s, "a": a, "object_pk": key})
    return {
        "subjects": json.dumps(
            [{"s": s, **subject_parameters(ref)} for ref, s in subjects.items()]
        ),
        "actions": json.dumps(
            [
                {"a": a, **action_parameters(action, None if kind is None else ResourceRef(kind))}
                for (action, kind), a in actions.items()
            ]
        ),
        "items": json.dumps(items),
    }


def _by_label(questions: Mapping[int, Question], using: str) -> dict[int, Question]:
    """Those of the questions whose types go by free names, asked about by their labels."""
    kinds = {n: one.resource.type for n, one in questions.items() if one.resource is not None}
    labels = labels_called(kinds.values(), using=using)
    return {
        n: replace(one, resource=replace(one.resource, type=labels[kinds[n]]))
        for n, one in questions.items()
        if one.resource is not None and kinds[n] in labels
    }


def list_resources(
    subject: SubjectRef | User,
    action: str,
    resource_type: str,
    *,
    after: str = "",
    limit: int = 100,
    at: datetime | None = None,
    using: str = DEFAULT_DB_ALIAS,
    run: running.Run = running.rows,
) -> Page[str]:
    """Keys of the resources of a type the subject may do the action on, in the database's order.

    Known resources only: registered ones, rows of our own tables, and whatever a grant or scope of
    the subject names. ``after`` is the last key of an earlier page. One statement; up to two more
    if it answers nothing, because the type may have been named by its free name.
    """
    parameters = _listing_parameters(subject, action, resource_type, at)
    text = sql.listing(connections[using].vendor, python_model(resource_type), _naming(parameters))
    # One more than asked for tells whether another page follows.
    rows = run(text, {**parameters, "after": after, "limit": limit + 1}, using=using)
    if not rows and (label := label_called(resource_type, using=using)) is not None:
        return list_resources(
            subject, action, label, after=after, limit=limit, at=at, using=using, run=run
        )
    keys = tuple(row[0] for row in rows[:limit])
    return Page(items=keys, next=keys[-1] if len(rows) > limit and keys else None)


def holds_on_any(
    subject: SubjectRef | User,
    action: str,
    resource_type: str,
    *,
    using: str = DEFAULT_DB_ALIAS,
    run: running.Run = running.rows,
) -> bool:
    """Whether the subject may do the action on every resource of an open type, registered or not:
    then those of ``list_resources`` are not all. False for other types, whose list is complete.
    """
    # Rows of our own tables are all known.
    if python_model(resource_type) is not None:
        return False
    parameters = _listing_parameters(subject, action, resource_type, None)
    text = sql.statement(connections[using].vendor, "holds_on_any", _naming(parameters))
    return bool(run(text, parameters, using=using))


def list_subjects(
    action: str,
    resource: ResourceRef | None,
    *,
    after: int = 0,
    limit: int = 100,
    at: datetime | None = None,
    using: str = DEFAULT_DB_ALIAS,
    run: running.Run = running.rows,
) -> Page[tuple[int, str]]:
    """(number, user name) of everybody who may, by number; superusers are among them."""
    if not _searchable(resource):
        return Page(items=())
    parameters = {
        **action_parameters(action, resource),
        "object_pk": resource.id if resource else None,
        "at": moment(at),
        "after_id": after,
        "limit": limit + 1,
    }
    rows = run(sql.statement(connections[using].vendor, "list_subjects"), parameters, using=using)
    if not rows and resource and (label := label_called(resource.type, using=using)) is not None:
        resource = ResourceRef(label, resource.id)
        return list_subjects(
            action, resource, after=after, limit=limit, at=at, using=using, run=run
        )
    items = tuple((pk, username) for pk, username in rows[:limit])
    return Page(items=items, next=items[-1][0] if len(rows) > limit and items else None)


def list_actions(
    subject: SubjectRef | User,
    resource: ResourceRef,
    *,
    at: datetime | None = None,
    using: str = DEFAULT_DB_ALIAS,
    run: running.Run = running.rows,
) -> tuple[str, ...]:
    """Codenames of everything the subject may do on a resource, in order."""
    _, actions = _actions(subject, resource, at, using, run)
    return tuple(codename for codename, _ in actions)


def list_action_names(
    subject: SubjectRef | User,
    resource: ResourceRef,
    *,
    at: datetime | None = None,
    using: str = DEFAULT_DB_ALIAS,
    run: running.Run = running.rows,
) -> tuple[str, ...]:
    """As ``list_actions``, each by the shortest name that a check takes for it, in order."""
    label, actions = _actions(subject, resource, at, using, run)
    model = label.partition(".")[2]
    return tuple(
        sorted(codename if is_taken else short(codename, model) for codename, is_taken in actions)
    )


def _actions(
    subject: SubjectRef | User,
    resource: ResourceRef,
    at: datetime | None,
    using: str,
    run: running.Run,
) -> tuple[str, list[tuple[str, bool]]]:
    """The label of the type, and (codename, whether its short form is another one) of each action
    allowed.
    """
    if not _searchable(resource):
        return resource.type, []
    parameters = {
        **subject_parameters(subject),
        **action_parameters("", resource),
        "object_pk": resource.id,
        "at": moment(at),
    }
    text = sql.statement(connections[using].vendor, "list_actions", _naming(parameters))
    actions = run(text, parameters, using=using)
    if not actions and (label := label_called(resource.type, using=using)) is not None:
        return _actions(subject, ResourceRef(label, resource.id), at, using, run)
    return resource.type, actions


def what_is_unknown(
    action: str, resource: ResourceRef | None, *, using: str = DEFAULT_DB_ALIAS
) -> Reason | None:
    """UNKNOWN_TYPE or UNKNOWN_ACTION if there is no such type or action, None if there are both."""
    text = sql.statement(connections[using].vendor, "type_and_permission")
    parameters = action_parameters(action, resource)
    [(type_id, permission_id)] = running.rows(text, parameters, using=using)
    if type_id is None and resource is not None:
        label = label_called(resource.type, using=using)
        if label is None:
            return Reason.UNKNOWN_TYPE
        return what_is_unknown(action, ResourceRef(label, resource.id), using=using)
    return Reason.UNKNOWN_ACTION if permission_id is None else None


def label_called(name: str, *, using: str = DEFAULT_DB_ALIAS) -> str | None:
    """The label of the type with this free name; None if there is none, or the name is the label.

    To be asked only about what is no type's label: a name means a label first.
    """
    return labels_called([name], using=using).get(name)


def labels_called(names: Iterable[str], *, using: str = DEFAULT_DB_ALIAS) -> dict[str, str]:
    """``label_called`` for many names, those left out that it answers with None; one statement."""
    free = {name: free_name(name) for name in names if searchable(name) is not None}
    if not free:
        return {}
    types = ResourceType.objects.using(using).filter(name__in=set(free.values()))
    labels = {row.name: row.label for row in types.select_related("content_type")}
    by_name = {name: labels.get(stored, name) for name, stored in free.items()}
    return {name: label for name, label in by_name.items() if label != name}


def visible(
    queryset: models.QuerySet[M],
    *,
    user: User,
    action: str = "view",
    by: str = "pk",
    reach: str | None = None,
) -> Visible[M]:
    """The rows of a queryset of one of our own models that the user may do the action on.

    ``by`` names a foreign key instead: rows whose related row the user may do the action on.
    One statement at once, to see how far the permission reaches, unless the ``reach`` is given; the
    rows come with the queryset.
    """
    model = queryset.model if by == "pk" else related_model(queryset.model, by)
    reach = reach or reach_of(user, model, action=action)
    if reach == "all":
        return Visible(queryset, reach)
    if reach == "none":
        return Visible(queryset.none(), reach)
    keys = visible_keys(user.pk, model, action=action, using=queryset.db)
    return Visible(queryset.filter(**{f"{by}__in": keys}), reach)


def visible_keys(
    user_id: Any,
    model: type[models.Model],
    *,
    action: str = "view",
    using: str = DEFAULT_DB_ALIAS,
) -> RawSQL:
    """Keys of the rows of one of our own models that the user may do the action on, if not on all
    of them: a part of other statements. ``user_id`` may be a ``Parameter``.
    """
    parameters = _parameters_of_part(user_id, action, model)
    return running.subquery(sql.visible_keys(connections[using].vendor, model), parameters)


def reach_of(user: User, model: type[models.Model], *, action: str = "view") -> str:
    """On how many rows of one of our own models the user may do the action: see ``Visible``."""
    parameters = _listing_parameters(user, action, model._meta.label_lower, None)
    text = sql.statement(connection.vendor, "reach", sql.Naming.NUMBER)
    [(reach,)] = running.rows(text, parameters)
    return str(reach)


def views_all(user: User, *models: type[models.Model]) -> set[str]:
    """The labels of those of our own models of which the user may view every row; one statement."""
    text = sql.views_all(connection.vendor, models)
    rows = running.rows(text, {**subject_parameters(user), "at": None})
    return {label for (label,) in rows}


def everywhere(user_id: Any, model: type[models.Model], *, action: str = "view") -> RawSQL:
    """Whether ``reach_of`` is 'all', as a condition; ``user_id`` may be a ``Parameter``."""
    text = sql.statement(connection.vendor, "everywhere", sql.Naming.NUMBER)
    return running.exists(text, _parameters_of_part(user_id, action, model))


def _parameters_of_part(user_id: Any, action: str, model: type[models.Model]) -> dict[str, Any]:
    parameters = _listing_parameters(SubjectRef(), action, model._meta.label_lower, None)
    return {**parameters, "user_id": user_id}


def allows(user_id: Any, action: str, model: type[models.Model]) -> RawSQL:
    """Whether a user may do the action on the row that is read, as a condition on it."""
    parameters = {
        **_listing_parameters(SubjectRef(), action, model._meta.label_lower, None),
        "user_id": user_id,
    }
    return running.exists(sql.allows(connection.vendor, model), parameters)


@dataclass(frozen=True, slots=True)
class Visible(Generic[M]):
    """A filtered queryset and how far the permission reaches: 'all', 'some' or 'none'."""

    rows: models.QuerySet[M]
    reach: str


def _listing_parameters(
    subject: SubjectRef | User, action: str, resource_type: str, at: datetime | None
) -> dict[str, Any]:
    return {
        **subject_parameters(subject),
        **action_parameters(action, ResourceRef(resource_type)),
        "at": moment(at),
    }


def _naming(parameters: dict[str, Any]) -> sql.Naming:
    """The shortest statement that can find the subject: each way to be named costs every check."""
    if parameters["user_id"] is not None:
        return sql.Naming.NUMBER
    text = parameters["subject"] or ""
    other = parameters["subject_uuid"] is not None or "@" in text or HEX_ID.fullmatch(text)
    return sql.Naming.ANY if other else sql.Naming.NAME


def _searchable(resource: ResourceRef | None) -> bool:
    return resource is None or resource.id is None or searchable(resource.id) is not None
