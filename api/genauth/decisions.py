"""Whether a user may do something, answered by the one evaluator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, TypeAlias

from msgspec import Meta
from rest_framework.exceptions import PermissionDenied

from accounts.models import User
from api.errors import NoSuchUser
from api.genauth.base import IN_OPERATION, Command, Operation
from api.genauth.lookups import UserIdType, find_users, namespace_by_code
from api.genauth.resources import EVERY, split, split_known
from api.genauth.wire import NamespaceCode, Shape, Text
from permissions import engine
from permissions.engine import Decision, Question, Reason, ResourceRef, SubjectRef
from permissions.models import ResourceType
from roles.models import DEFAULT_NAMESPACE

CHECK_ACCESS = "authentik_rbac.check_access"
MOST_RESOURCES = 50
ResourceName: TypeAlias = Annotated[str, Meta(max_length=400)]


class AskedAction(Shape):
    user_id: Text
    user_id_type: UserIdType = "user_id"
    action: Text
    resource: ResourceName
    namespace: NamespaceCode = DEFAULT_NAMESPACE


class Allowed(Shape):
    allowed: bool


class Permission(Shape):
    """Conditions do not exist here: ``judge_condition_enabled`` changes nothing."""

    user_id: Text
    namespace_code: NamespaceCode = DEFAULT_NAMESPACE
    action: Text
    resources: Annotated[list[ResourceName], Meta(min_length=1, max_length=MOST_RESOURCES)]
    judge_condition_enabled: bool = False


class PermissionResult(Shape):
    namespace_code: str
    action: str
    resource: str
    enabled: bool


class PermissionResults(Shape):
    check_result_list: list[PermissionResult]


class IsActionAllowed(Command):
    """Whether a user may do an action on a resource."""

    needs = IN_OPERATION

    def run(self, request: AskedAction) -> Allowed:
        user = asked_about(self, request.user_id, request.user_id_type)
        require_namespace(self, request.namespace, user)
        [allowed] = decide(user, request.namespace, request.action, [request.resource])
        return Allowed(allowed=allowed)


class CheckPermission(Command):
    """Resources are written ``code``, ``code:key`` or ``code/key``; the action may be bare."""

    needs = IN_OPERATION

    def run(self, request: Permission) -> PermissionResults:
        user = asked_about(self, request.user_id, "user_id")
        space, action = request.namespace_code, request.action
        require_namespace(self, space, user)
        names = [path.strip("/") for path in request.resources]
        decided = decide(user, space, action, names, dividers=":/")
        results = zip(request.resources, decided, strict=True)
        return PermissionResults(
            check_result_list=[
                PermissionResult(
                    namespace_code=space, action=action, resource=path, enabled=allowed
                )
                for path, allowed in results
            ]
        )


def asked_about(operation: Operation, user_id: str, kind: UserIdType) -> User:
    """Everybody may ask about themselves; about others, who may ask for decisions."""
    user = find_users(User.objects.all(), [user_id], kind).get(user_id)
    if user is not None and user.pk == operation.caller.pk:
        return user
    if not engine.holds(operation.caller, CHECK_ACCESS):
        raise PermissionDenied(f"This needs the permission {CHECK_ACCESS}.")
    if user is None:
        raise NoSuchUser
    return user


def require_namespace(operation: Operation, code: str, user: User) -> None:
    """Who may ask about itself alone learns what it may do, not whether the namespace is there."""
    if user.pk != operation.caller.pk or engine.holds(operation.caller, CHECK_ACCESS):
        namespace_by_code(operation, code)


def decide(
    user: User, space: str, action: str, resources: Sequence[str], *, dividers: str = ":"
) -> list[bool]:
    """In the order of the resources. One statement, or two for every action at once; three more
    where a resource's type has a name with dividers.

    Every action is allowed if all that the type has are, and it has any.
    """
    parts = {resource: split(resource, dividers=dividers) for resource in resources}
    answers = _answers(user, space, action, parts)
    unknown = [resource for resource in parts if resource not in answers]
    if unknown:
        known = split_known(space, unknown, dividers=dividers)
        answers |= _answers(user, space, action, known)
    return [answers.get(resource, False) for resource in resources]


def _answers(
    user: User, space: str, action: str, parts: Mapping[str, tuple[str, str | None]]
) -> dict[str, bool]:
    """By resource; none where its type is not known."""
    every = action == EVERY or action.endswith(f":{EVERY}")
    codes = {code for code, _ in parts.values()}
    if every:
        names = _every_action(space, action, codes)
    else:  # the action as it stands, then without the code before it
        names = {
            one: list(dict.fromkeys([action, action.removeprefix(f"{one}:")])) for one in codes
        }
    subject = SubjectRef.of(user)
    asked = [
        (one, Question(subject=subject, action=name, resource=ResourceRef(f"{space}.{code}", key)))
        for one, (code, key) in parts.items()
        for name in names.get(code, ())
    ]
    found: dict[str, list[Decision]] = defaultdict(list)
    decisions = engine.check_many([question for _, question in asked])
    for (one, _), decision in zip(asked, decisions, strict=True):
        if decision.reason is not Reason.UNKNOWN_TYPE:
            found[one].append(decision)
    if every:
        return {
            resource: all(one.allowed for one in several) for resource, several in found.items()
        }
    return {
        resource: next((d.allowed for d in several if d.reason is not Reason.UNKNOWN_ACTION), False)
        for resource, several in found.items()
    }


def _every_action(space: str, action: str, codes: Iterable[str]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = defaultdict(list)
    meant = [code for code in codes if action in (EVERY, f"{code}:{EVERY}")]
    rows = ResourceType.objects.filter(content_type__app_label=space)
    for code, codename in rows.filter(
        content_type__model__in=meant, content_type__permission__isnull=False
    ).values_list("content_type__model", "content_type__permission__codename"):
        names[code].append(codename)
    return names
