"""``/rbac/access/``: decisions, searches and reasons for people and tools.

Everybody may ask about itself; about others, and for explanations, which name what the subject does
not hold, callers need ``authentik_rbac.check_access``.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    PolymorphicProxySerializer,
    extend_schema,
)
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from api.access import caller_of, require
from api.v3.fields import LARGEST_INTEGER
from api.v3.native import NativeSerializer, NativeView
from permissions import engine
from permissions.engine import (
    NearMiss,
    Question,
    Reason,
    ResourceRef,
    StepKind,
    SubjectRef,
    SuggestionKind,
    explain,
    label_of,
)
from permissions.queries import effective_permissions, grants_of

CHECK_ACCESS = "authentik_rbac.check_access"
MOST_QUESTIONS = 1_000
MOST_RESULTS = 1_000
IN_EACH_QUESTION = "Beside questions this counts for none of them: name it in each."


def _text(**kwargs: Any) -> serializers.CharField:
    return serializers.CharField(trim_whitespace=False, **kwargs)


# Requests


class ResourceSerializer(NativeSerializer):
    """``type`` is ``namespace.type``; a type without a namespace is in ``default``."""

    type = _text()
    id = _text()


class ResourceTypeSerializer(NativeSerializer):
    type = _text()
    id = _text(required=False)


class AskedSerializer(NativeSerializer):
    """Without a resource only what holds for every resource counts.

    ``subject`` is a user name, uuid, external id, hex id or e-mail address; the caller by default.
    """

    subject = _text(required=False)
    action = _text()
    resource = ResourceSerializer(required=False)


class CheckSerializer(AskedSerializer):
    """One question, or many as ``questions``."""

    action = _text(required=False)
    questions = AskedSerializer(many=True, required=False, max_length=MOST_QUESTIONS)  # type: ignore[call-arg]  # of the list

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("questions" in attrs) == ("action" in attrs):
            raise ValidationError({"action": ["Either an action or questions must be given."]})
        if "questions" in attrs and (common := attrs.keys() & {"subject", "resource"}):
            raise ValidationError({name: [IN_EACH_QUESTION] for name in common})
        return attrs


class ExplainSerializer(AskedSerializer):
    at = serializers.DateTimeField(required=False, help_text="Another moment than now.")


class WhoCanSerializer(NativeSerializer):
    action = _text()
    resource = ResourceSerializer(required=False)
    after = serializers.IntegerField(min_value=0, max_value=LARGEST_INTEGER, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=MOST_RESULTS, default=100)


class WhatCanSerializer(NativeSerializer):
    """With the id of a resource: actions on it. With an action: resources of the type."""

    subject = _text(required=False)
    action = _text(required=False)
    resource = ResourceTypeSerializer()
    after = _text(default="", allow_blank=True)
    limit = serializers.IntegerField(min_value=1, max_value=MOST_RESULTS, default=100)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("id" in attrs["resource"]) == ("action" in attrs):
            raise ValidationError({"action": ["Either an action or a resource id must be given."]})
        return attrs


# Answers


class StepSerializer(serializers.Serializer):
    kind = serializers.ChoiceField([(kind.value, kind.value) for kind in StepKind])
    id = serializers.CharField()
    name = serializers.CharField()
    detail = serializers.CharField()
    scope = serializers.CharField()
    valid_from = serializers.DateTimeField(allow_null=True)
    valid_until = serializers.DateTimeField(allow_null=True)


class DecisionSerializer(serializers.Serializer):
    allowed = serializers.BooleanField()
    reason = serializers.ChoiceField([(reason.value, reason.value) for reason in Reason])
    path = StepSerializer(many=True)


class DecisionsSerializer(serializers.Serializer):
    results = DecisionSerializer(many=True)


class PathSerializer(serializers.Serializer):
    reason = serializers.CharField()
    steps = StepSerializer(many=True)


class NearMissSerializer(PathSerializer):
    text = serializers.CharField()
    obstacles = serializers.SerializerMethodField()

    def get_obstacles(self, miss: NearMiss) -> list[str]:
        return [hindrance.obstacle for hindrance in miss.hindrances]


class SuggestionSerializer(serializers.Serializer):
    """A change that would allow it; the smallest come first."""

    kind = serializers.ChoiceField([(kind.value, kind.value) for kind in SuggestionKind])
    text = serializers.CharField()
    permission = serializers.CharField()
    role = serializers.CharField()
    resource = ResourceSerializer(allow_null=True)


class ExplanationSerializer(serializers.Serializer):
    """``complete`` is false when there were too many paths to list."""

    decision = DecisionSerializer()
    at = serializers.DateTimeField()
    paths = PathSerializer(many=True)
    near_misses = NearMissSerializer(many=True)
    suggestions = SuggestionSerializer(many=True)
    actions = serializers.ListField(child=serializers.CharField())
    complete = serializers.BooleanField()


class SubjectSerializer(serializers.Serializer):
    pk = serializers.IntegerField()
    username = serializers.CharField()


class WhoCanResultSerializer(serializers.Serializer):
    """``next`` is the ``after`` of the next page, null at the end."""

    results = SubjectSerializer(many=True)
    next = serializers.IntegerField(allow_null=True)


class AllowedSerializer(serializers.Serializer):
    action = serializers.CharField()
    resource = ResourceSerializer()


class WhatCanResultSerializer(serializers.Serializer):
    """``next`` is the ``after`` of the next page, null at the end. ``everywhere`` says that the
    action is allowed on any resource of the type, also on those that are not known here.
    """

    results = AllowedSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    everywhere = serializers.BooleanField()


class RoleNameSerializer(serializers.Serializer):
    pk = serializers.UUIDField()
    name = serializers.CharField()


class HeldThroughSerializer(serializers.Serializer):
    """Who holds the role: the user itself, a group of the user, or another role it holds."""

    kind = serializers.SerializerMethodField()
    id = serializers.CharField(source="assignment.principal.pk")
    name = serializers.CharField(source="assignment.principal")
    scope = serializers.CharField(source="assignment.scope", allow_null=True)
    covers = serializers.CharField(
        allow_null=True, help_text="In words, what the scope covers; null without a scope."
    )
    valid_from = serializers.DateTimeField(source="assignment.valid_from", allow_null=True)
    valid_until = serializers.DateTimeField(source="assignment.valid_until", allow_null=True)

    def get_kind(self, through: Any) -> str:
        return str(through.assignment.principal._meta.model_name)


class EffectivePermissionSerializer(serializers.Serializer):
    """``object_pk`` null is every resource of the model, within the scopes it is held through."""

    codename = serializers.CharField(source="permission.codename")
    app_label = serializers.CharField(source="permission.content_type.app_label")
    model = serializers.CharField(source="permission.content_type.model")
    name = serializers.CharField(source="permission.name")
    object_pk = serializers.CharField(allow_null=True)
    reason = serializers.CharField()
    role = RoleNameSerializer(allow_null=True)
    held_through = HeldThroughSerializer(many=True)
    valid_until = serializers.DateTimeField(allow_null=True)


_USER = OpenApiParameter(
    "user",
    OpenApiTypes.STR,
    required=True,
    description="A number is the pk; anything else a name as in check.",
)


class AccessViewSet(NativeView):
    """May this subject do this action on this resource, and why?"""

    permission_classes = (IsAuthenticated,)
    serializer_class = EffectivePermissionSerializer
    filter_backends = ()
    lists = ("check_list", "effective_permissions")
    parameters = {"effective_permissions": ("user",)}

    @extend_schema(
        description=(
            "Decide one question, or as many as `questions` holds, in their order. Asking about "
            "anybody but oneself needs `authentik_rbac.check_access`."
        ),
        request=CheckSerializer,
        responses=PolymorphicProxySerializer(
            "CheckResponse",
            [DecisionSerializer, DecisionsSerializer],
            resource_type_field_name=None,
        ),
    )
    @action(detail=False, methods=["post"])
    def check(self, request: Request) -> Response:
        asked = _valid(CheckSerializer, request)
        if "action" in asked:
            [decision] = self._decisions([asked])
            return Response(DecisionSerializer(decision).data)
        return Response(DecisionsSerializer({"results": self._decisions(asked["questions"])}).data)

    @extend_schema(responses=EffectivePermissionSerializer(many=True))
    @check.mapping.get
    def check_list(self, request: Request) -> Response:
        """List everything the caller may do, with its source."""
        return self._effective(caller_of(request))

    @extend_schema(
        description=(
            "Explain a decision: every path that allows; for a denial what came nearest and what "
            "would allow it. Needs `authentik_rbac.check_access`."
        ),
        request=ExplainSerializer,
        responses=ExplanationSerializer,
    )
    @action(detail=False, methods=["post"])
    def explain(self, request: Request) -> Response:
        require(request.user, CHECK_ACCESS)
        asked = _valid(ExplainSerializer, request)
        explanation = explain(
            _subject(asked, request), asked["action"], _resource(asked), at=asked.get("at")
        )
        return Response(ExplanationSerializer(explanation).data)

    @extend_schema(
        description=(
            "Find everybody who may do an action on a resource; without a resource, on every one. "
            "Needs `authentik_rbac.check_access`."
        ),
        request=WhoCanSerializer,
        responses=WhoCanResultSerializer,
    )
    @action(detail=False, methods=["post"])
    def who_can(self, request: Request) -> Response:
        require(request.user, CHECK_ACCESS)
        asked = _valid(WhoCanSerializer, request)
        unknown = engine.what_is_unknown(asked["action"], _resource(asked))
        if unknown is Reason.UNKNOWN_TYPE:
            raise ValidationError({"resource": {"type": ["There is no such resource type."]}})
        if unknown is Reason.UNKNOWN_ACTION:
            raise ValidationError({"action": ["There is no such action."]})
        page = engine.list_subjects(
            asked["action"], _resource(asked), after=asked["after"], limit=asked["limit"]
        )
        results = [{"pk": pk, "username": username} for pk, username in page.items]
        return Response(WhoCanResultSerializer({"results": results, "next": page.next}).data)

    @extend_schema(request=WhatCanSerializer, responses=WhatCanResultSerializer)
    @action(detail=False, methods=["post"])
    def what_can(self, request: Request) -> Response:
        """Find what a subject may do on a resource, or on which resources it may do an action."""
        asked = _valid(WhatCanSerializer, request)
        subject = _subject(asked, request)
        _require_for(request, [subject])
        kind, key = label_of(asked["resource"]["type"]), asked["resource"].get("id")
        after, limit = asked["after"], asked["limit"]
        if key is None:
            name = asked["action"]
            page = engine.list_resources(subject, name, kind, after=after, limit=limit)
            allowed, following = [(name, item) for item in page.items], page.next
        else:
            names = engine.list_action_names(subject, ResourceRef(kind, key))
            later = [name for name in names if name > after]
            allowed = [(name, key) for name in later[:limit]]
            following = allowed[-1][0] if len(later) > limit else None
        results = [{"action": name, "resource": ResourceRef(kind, item)} for name, item in allowed]
        # Whether any other resource of the type would be allowed too.
        everywhere = "action" in asked and engine.holds_on_any(subject, asked["action"], kind)
        answer = {"results": results, "next": following, "everywhere": everywhere}
        return Response(WhatCanResultSerializer(answer).data)

    @extend_schema(
        description=(
            "List every grant a user has, its own and its roles', with its source. Asking about "
            "anybody but oneself needs `authentik_rbac.check_access`."
        ),
        parameters=[_USER],
        responses=EffectivePermissionSerializer(many=True),
    )
    @action(detail=False, methods=["get"])
    def effective_permissions(self, request: Request) -> Response:
        name = request.query_params.get("user", "")
        if not name:
            raise ValidationError({"user": ["This field is required."]})
        is_number = name.isascii() and name.isdecimal() and len(name) < len(str(LARGEST_INTEGER))
        subject = SubjectRef(pk=int(name)) if is_number else SubjectRef(name)
        _require_for(request, [subject])
        user = engine.find_user(subject)
        if user is None:
            raise NotFound
        return self._effective(user)

    def _decisions(self, questions: list[dict[str, Any]]) -> list[Any]:
        subjects = [_subject(asked, self.request) for asked in questions]
        _require_for(self.request, subjects)
        return engine.check_many(
            [
                Question(subject=subject, action=asked["action"], resource=_resource(asked))
                for subject, asked in zip(subjects, questions, strict=True)
            ]
        )

    def _effective(self, user: User) -> Response:
        page = self.paginate_queryset(grants_of(user)) or []
        data = self.get_serializer(effective_permissions(user, page), many=True).data
        return self.get_paginated_response(data)


def _valid(serializer: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return body.validated_data


def _subject(asked: dict[str, Any], request: Request) -> SubjectRef:
    if "subject" in asked:
        return SubjectRef(asked["subject"])
    return SubjectRef.of(caller_of(request))


def _require_for(request: Request, subjects: list[SubjectRef]) -> None:
    """The right to ask about anybody but the caller."""
    caller = caller_of(request)
    # A user name is the first that a subject is looked up by, so no other user can have it.
    if any(ref.pk != caller.pk and ref.id != caller.username for ref in subjects):
        require(caller, CHECK_ACCESS)


def _resource(asked: dict[str, Any]) -> ResourceRef | None:
    resource = asked.get("resource")
    return ResourceRef(label_of(resource["type"]), resource["id"]) if resource else None
