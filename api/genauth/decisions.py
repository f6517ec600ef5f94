"""Whether a user may do something, answered by the one evaluator."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from accounts.models import User
from api.genauth.base import IN_OPERATION, Command, Operation
from api.genauth.errors import no_user
from api.genauth.lookups import find_users, namespace_by_code, user_id_type
from api.genauth.resources import EVERY, split
from api.genauth.wire import WireSerializer, namespace, namespace_of, text
from permissions import engine
from permissions.engine import Question, ResourceRef, SubjectRef
from permissions.models import ResourceType

CHECK_ACCESS = "authentik_rbac.check_access"
MOST_RESOURCES = 50


class AskedActionSerializer(WireSerializer):
    user_id = text()
    user_id_type = user_id_type()
    action = text()
    resource = text(400)
    namespace = namespace()


class AllowedSerializer(WireSerializer):
    allowed = serializers.BooleanField()


class PermissionSerializer(WireSerializer):
    """Conditions do not exist here: ``judge_condition_enabled`` changes nothing."""

    user_id = text()
    namespace_code = namespace()
    action = text()
    resources = serializers.ListField(child=text(400), min_length=1, max_length=MOST_RESOURCES)
    judge_condition_enabled = serializers.BooleanField(required=False)


class PermissionResultSerializer(WireSerializer):
    namespace_code = serializers.CharField()
    action = serializers.CharField()
    resource = serializers.CharField()
    enabled = serializers.BooleanField()


class PermissionResultsSerializer(WireSerializer):
    check_result_list = PermissionResultSerializer(many=True)


class IsActionAllowed(Command):
    needs = IN_OPERATION
    accepts = AskedActionSerializer
    answers = AllowedSerializer

    def run(self, given: dict[str, Any]) -> Any:
        user = asked_about(self, given)
        namespace_by_code(namespace_of(given))
        [allowed] = decide(user, namespace_of(given), given["action"], [given["resource"]])
        return {"allowed": allowed}


class CheckPermission(Command):
    """Resources are written ``code``, ``code:key`` or ``code/key``; the action may be bare."""

    needs = IN_OPERATION
    accepts = PermissionSerializer
    answers = PermissionResultsSerializer

    def run(self, given: dict[str, Any]) -> Any:
        user = asked_about(self, given)
        space, action = namespace_of(given, "namespace_code"), given["action"]
        namespace_by_code(space)
        paths = [path.strip("/").replace("/", ":", 1) for path in given["resources"]]
        results = decide(user, space, action, paths)
        return {
            "checkResultList": [
                {"namespaceCode": space, "action": action, "resource": path, "enabled": allowed}
                for path, allowed in zip(given["resources"], results, strict=True)
            ]
        }


def asked_about(operation: Operation, given: dict[str, Any]) -> User:
    """Everybody may ask about themselves; about others, who may ask for decisions."""
    found = find_users(User.objects.all(), [given["user_id"]], given.get("user_id_type"))
    user = found.get(given["user_id"])
    if user is not None and user.pk == operation.caller.pk:
        return user
    if not engine.holds(operation.caller, CHECK_ACCESS):
        raise PermissionDenied(f"This needs the permission {CHECK_ACCESS}.")
    if user is None:
        raise no_user()
    return user


def decide(user: User, space: str, action: str, resources: list[str]) -> list[bool]:
    """In the order of the resources. One statement, or two for every action at once."""
    parts = [(resource, *split(resource)) for resource in resources]
    subject = SubjectRef.of(user)
    asked: list[tuple[int, Question]] = []
    every = _codenames(space, {code for _, code, _ in parts}) if _is_every(action) else {}
    for n, (_, code, key) in enumerate(parts):
        prefix, colon, verb = action.partition(":")
        if colon and prefix != code:
            continue
        verbs = every.get(code, []) if _is_every(action) else [verb if colon else action]
        reference = ResourceRef(f"{space}.{code}", key)
        asked += [(n, Question(subject=subject, action=v, resource=reference)) for v in verbs]
    answers: dict[int, bool] = {}
    decisions = engine.check_many([question for _, question in asked])
    for (n, _), decision in zip(asked, decisions, strict=True):
        answers[n] = answers.get(n, True) and decision.allowed
    return [answers.get(n, False) for n in range(len(parts))]


def _is_every(action: str) -> bool:
    return action == EVERY or action.endswith(f":{EVERY}")


def _codenames(space: str, codes: set[str]) -> dict[str, list[str]]:
    rows = ResourceType.objects.filter(
        content_type__app_label=space, content_type__model__in=codes
    ).values_list("content_type__model", "content_type__permission__codename")
    found: dict[str, list[str]] = {}
    for code, codename in rows:
        if codename is not None:
            found.setdefault(code, []).append(codename)
    return found
