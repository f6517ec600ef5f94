"""Whether a user may do something, answered by the one evaluator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, TypeAlias

from msgspec import Meta
from rest_framework.exceptions import PermissionDenied

from accounts.models import User
from api.errors import NoSuchUser
from api.genauth.base import IN_OPERATION, Command, Operation
from api.genauth.lookups import UserIdType, find_users, namespace_by_code
from api.genauth.resources import EVERY, split
from api.genauth.wire import NamespaceCode, Shape, Text
from permissions import engine
from permissions.engine import Question, ResourceRef, SubjectRef
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
        names = [path.strip("/").replace("/", ":", 1) for path in request.resources]
        results = zip(request.resources, decide(user, space, action, names), strict=True)
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


def decide(user: User, space: str, action: str, resources: Sequence[str]) -> list[bool]:
    """In the order of the resources. One statement, or two for every action at once.

    Every action is allowed if all that the type has are, and it has any.
    """
    code_of_action, colon, verb = action.partition(":")
    verb = verb if colon else action
    subject = SubjectRef.of(user)
    parts = [split(resource) for resource in resources]
    verbs_of: dict[str, list[str]] = defaultdict(list)
    if verb == EVERY or action.endswith(f":{EVERY}"):
        rows = ResourceType.objects.filter(
            content_type__app_label=space, content_type__model__in={code for code, _ in parts}
        )
        for code, codename in rows.values_list(
            "content_type__model", "content_type__permission__codename"
        ):
            verbs_of[code] += [] if codename is None else [codename]
    else:
        verbs_of.update({code: [verb] for code, _ in parts})
    asked = [
        (n, Question(subject=subject, action=name, resource=ResourceRef(f"{space}.{code}", key)))
        for n, (code, key) in enumerate(parts)
        if not colon or code_of_action == code
        for name in verbs_of[code]
    ]
    answers: dict[int, bool] = {}
    decisions = engine.check_many([question for _, question in asked])
    for (n, _), decision in zip(asked, decisions, strict=True):
        answers[n] = answers.get(n, True) and decision.allowed
    return [answers.get(n, False) for n in range(len(parts))]
