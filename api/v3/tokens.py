"""``/core/tokens/``: API tokens and app passwords, named by their identifier."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import django_filters
from django.db.models import Case, F, Model, Prefetch, QuerySet, Value, When
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.filters import SearchFilter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Token, TokenIntent, User
from api.access import (
    ModelAccess,
    ModelAccessViewSet,
    Sight,
    allowed,
    find,
    label_of,
    may_view,
)
from api.etags import TaggedView, row_state
from api.headers import NO_STORE
from api.moments import MomentField
from api.v3.lists.filters import BooleanFilter
from api.v3.lists.ordering import FILTER_BACKENDS
from api.v3.native import AuthentikSerializer
from api.v3.partials import link
from api.v3.used_by import UsedBySerializer
from api.v3.users import INCLUDED, UserSerializer, links_of, tell_nothing_linked
from api.wire import EPOCH
from permissions import engine
from permissions.engine import ResourceRef
from permissions.operations import (
    create_user_token,
    delete_tokens,
    expiry_unasked,
    longest_life,
    must_expire,
    set_token_key,
    update_token,
    view_token_key,
)

CREATABLE = (TokenIntent.API, TokenIntent.APP_PASSWORD)
SHORTEST_KEY, LONGEST_KEY = 16, 255


class TokenSerializer(AuthentikSerializer, serializers.ModelSerializer):
    """Never the key: that has an operation of its own."""

    user = serializers.IntegerField(source="user_id", required=False)
    user_obj = serializers.SerializerMethodField()
    intent = serializers.ChoiceField(TokenIntent.choices, required=False)
    expires = MomentField(required=False, allow_null=True)

    class Meta:
        model = Token
        fields = [
            "pk",
            "managed",
            "identifier",
            "intent",
            "user",
            "user_obj",
            "description",
            "expires",
            "expiring",
        ]
        extra_kwargs = {"managed": {"allow_blank": False}}

    @extend_schema_field(UserSerializer)
    def get_user_obj(self, token: Any) -> Any:
        return UserSerializer(token.user if token.shown else _unseen(token.user_id)).data

    def validate_intent(self, value: str) -> str:
        if value not in CREATABLE and value != getattr(self.instance, "intent", None):
            raise ValidationError(f"Invalid intent {value}")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        caller: User = self.context["request"].user
        owner = self._owner(attrs.pop("user_id", None), caller)
        if not caller.is_superuser:
            _bind_lifetime(attrs, owner, is_new=self.instance is None)
        if self.instance is None:
            attrs["user"] = owner
        return attrs

    def _owner(self, named: int | None, caller: User) -> User:
        """Whose token it is: said once, else the caller. Whether the caller may act as somebody
        else is for the operation to say; who may make no tokens learns of nobody.
        """
        if isinstance(self.instance, Token):
            if named not in (None, self.instance.user_id):
                raise ValidationError({"user": ["User cannot be changed"]})
            return self.instance.user
        if named in (None, caller.pk):
            return caller
        if not allowed(caller, "add_token", ResourceRef(label_of(Token))):
            raise PermissionDenied("A token for somebody else needs authentik_core.add_token.")
        owner = find(User.objects.all(), pk=named)
        if owner is None or not may_view(caller, owner):
            raise ValidationError({"user": [f'Invalid pk "{named}" - object does not exist.']})
        return owner


def _unseen(key: int) -> User:
    """An owner whom the caller may not view. Clients demand a whole user: all but the key is said
    of nobody.
    """
    user = User(pk=key, uuid=UUID(int=0), username=str(key), date_joined=EPOCH)
    user.last_updated = user.password_change_date = EPOCH
    tell_nothing_linked(user)
    return user


def _bind_lifetime(attrs: dict[str, Any], owner: User, *, is_new: bool) -> None:
    """Only superusers are free of what the owner's attributes say of its tokens' lives."""
    if is_new or "expiring" in attrs:
        attrs["expiring"] = must_expire(owner)
    maximum = longest_life(owner)
    if maximum is None or not (is_new or "expires" in attrs):
        return
    expires: datetime | None = attrs.get("expires")
    if expires is None:
        attrs["expires"] = expiry_unasked(owner)
    elif expires > timezone.now() + maximum:
        raise ValidationError({"expires": [f"Tokens of this user live for {maximum} at most."]})


IDENTIFIER = "The token's name, by which it is unique."


class TokenFilter(django_filters.FilterSet):
    identifier = django_filters.CharFilter(help_text=IDENTIFIER)
    user__username = django_filters.CharFilter(
        method="of_owner", help_text="Only those of the user of this name."
    )
    description = django_filters.CharFilter(help_text="Only with this description.")
    managed = django_filters.CharFilter(
        help_text="Only those that a program manages under one of these names."
    )
    intent = django_filters.ChoiceFilter(
        choices=TokenIntent.choices, help_text="Only for this purpose."
    )
    expires = django_filters.IsoDateTimeFilter(help_text="Only those that end at this moment.")
    expiring = BooleanFilter(help_text="Only those that end some day, or only the others.")

    class Meta:
        model = Token
        fields: list[str] = []

    def of_owner(self, queryset: QuerySet[Token], name: str, value: str) -> QuerySet[Token]:
        """Whom the caller may not view owns nothing that it could be told by."""
        owner = find(User.objects.all(), username=value)
        seen = self.request is not None and may_view(self.request.user, owner)
        return queryset.filter(user=owner) if seen else queryset.none()


class TokenViewSerializer(serializers.Serializer):
    key = serializers.CharField(read_only=True)


class TokenSetKeySerializer(AuthentikSerializer):
    # What an Authorization header can carry, and nobody guesses.
    key = serializers.RegexField(r"^[!-~]+$", min_length=SHORTEST_KEY, max_length=LONGEST_KEY)


class TokenAccess(ModelAccess):
    """Everybody may make tokens for itself and manage its own."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.user.is_authenticated and view.standard_action == "create":
            return True
        return super().has_permission(request, view)

    def has_object_permission(self, request: Request, view: Any, obj: Model) -> bool:
        own = isinstance(obj, Token) and obj.user_id == request.user.pk
        return own or super().has_object_permission(request, view, obj)


@extend_schema_view(
    list=extend_schema(
        description="List the caller's API tokens; a superuser's list holds everybody's."
    ),
    create=extend_schema(
        description=(
            "Create an API token, for oneself unless `user` names somebody else. For somebody else "
            "it needs `authentik_core.add_token`, and everything that somebody holds for as long "
            "as the token lives."
        )
    ),
    destroy=extend_schema(description="Delete an API token. Its key stops working at once."),
)
class TokenViewSet(TaggedView, viewsets.ModelViewSet, ModelAccessViewSet):
    """Keys that act as their owner. Callers see their own."""

    called = ("an API token", "API tokens")
    path_parameters = {"identifier": IDENTIFIER}
    queryset = Token.objects.all()
    serializer_class = TokenSerializer
    filterset_class = TokenFilter
    permission_classes = (TokenAccess,)
    filter_backends = FILTER_BACKENDS
    ordering = ("identifier",)
    ordering_fields = {
        name: name for name in ("pk", "identifier", "expires", "intent", "description", "managed")
    }
    search_fields = ("identifier", "intent", "seen_owner", "description")
    lookup_field = "identifier"
    lookup_value_regex = "[-a-zA-Z0-9_]+"

    def state_of(self, row: Any) -> Any:
        # Using a token does not change it.
        return {**row_state(row), "last_used": None}

    def get_queryset(self) -> QuerySet[Any]:
        tokens = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return tokens
        return self._with_owners(tokens)

    def paginate_queryset(self, queryset: Any) -> Any:
        tokens: Any = super().paginate_queryset(queryset)
        self._link(tokens)
        return tokens

    def get_object(self) -> Token:
        token: Token = super().get_object()
        if self._target is None:  # else nothing is shown
            self._link([token])
        return token

    def read(self, row: Any) -> Any:
        token = self._with_owners(Token.objects.all()).get(pk=row.pk)
        self._link([token])
        return token

    def _with_owners(self, tokens: QuerySet[Token]) -> QuerySet[Token]:
        owners = Prefetch("user", User.objects.with_superuser())
        return Sight(self.caller).marked(tokens, "user").prefetch_related(owners)

    def _link(self, tokens: Sequence[Token]) -> None:
        link([token.user for token in tokens], links_of(INCLUDED), Sight(self.caller))

    def visible(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The caller's own, and what it may view besides."""
        seen = engine.visible(queryset, user=self.caller)
        if seen.reach == "all":
            return seen.rows
        return queryset.filter(user=self.caller) | seen.rows

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """A search must not tell the names of owners whom the caller may not view."""
        if SearchFilter.search_param in self.request.query_params:
            name = Case(When(shown=True, then=F("user__username")), default=Value(""))
            queryset = queryset.annotate(seen_owner=name)
        return super().filter_queryset(queryset)

    def perform_create(self, serializer: serializers.BaseSerializer) -> None:
        token = create_user_token(actor=self.caller, **serializer.validated_data)
        serializer.instance = self.read(token)

    def perform_update(self, serializer: serializers.BaseSerializer) -> None:
        token = serializer.instance
        assert isinstance(token, Token), "an update has something to update"
        update_token(token=token, actor=self.caller, **serializer.validated_data)
        serializer.instance = self.read(token)

    def perform_destroy(self, instance: Token) -> None:
        delete_tokens(tokens=[instance], actor=self.caller)

    @extend_schema(responses={200: TokenViewSerializer, 404: None})
    @action(detail=True, target_permission="authentik_core.view_token_key")
    def view_key(self, request: Request, identifier: str) -> Response:
        """Read the token's key. Every look is recorded."""
        key = view_token_key(token=self.get_object(), actor=self.caller)
        return Response({"key": key}, headers=NO_STORE)

    @extend_schema(request=TokenSetKeySerializer, responses={204: None, 404: None})
    @action(detail=True, methods=["post"], target_permission="authentik_core.set_token_key")
    def set_key(self, request: Request, identifier: str) -> Response:
        """Give the token a key of the caller's choice; the old one ends."""
        body = TokenSetKeySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        key = body.validated_data["key"]
        set_token_key(token=self.get_object(), key=key, actor=self.caller)
        return Response(status=204, headers=NO_STORE)

    @extend_schema(responses=UsedBySerializer(many=True), filters=False)
    @action(detail=True, acts_as="retrieve", pagination_class=None)
    def used_by(self, request: Request, identifier: str) -> Response:
        """Nothing refers to an API token: always empty."""
        self.get_object()
        return Response([])
