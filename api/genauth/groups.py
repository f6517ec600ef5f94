"""Groups of users, known by their codes."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.models import Group, User
from api.genauth import users
from api.genauth.base import IN_OPERATION, Command, Query
from api.genauth.lookups import code_of, group_by_code, groups_by_code, users_by_id
from api.genauth.wire import NewCode, Paging, WireSerializer, optional, text
from audit.errors import Conflict
from permissions.operations import add_members, create_group, delete_groups, remove_members

MOST = 50
LONGEST_NAME = 255
LONGEST_DESCRIPTION = 512


class NewGroupSerializer(WireSerializer):
    code = NewCode("group")
    name = optional(LONGEST_NAME)
    description = optional(LONGEST_DESCRIPTION)
    type = optional(64)


class GroupCodeSerializer(WireSerializer):
    code = text()


class GroupMembersSerializer(GroupCodeSerializer):
    user_ids = serializers.ListField(child=text(), min_length=1, max_length=MOST)


class GroupPageSerializer(Paging, users.UserDetailsSerializer):
    code = text()


class GroupCodesSerializer(WireSerializer):
    code_list = serializers.ListField(child=text(), min_length=1, max_length=MOST)


class GroupSerializer(WireSerializer):
    id = serializers.CharField()
    code = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    type = serializers.CharField()


class CreateGroup(Command):
    needs = "authentik_core.add_group"
    accepts = NewGroupSerializer
    answers = GroupSerializer

    def run(self, given: dict[str, Any]) -> Any:
        code = given["code"]
        if Group.objects.filter(name=code).exists():
            raise Conflict(f"The group code {code} is taken.")
        group = create_group(
            actor=self.caller,
            name=code,
            code=code,
            display_name=given.get("name") or code,
            description=given.get("description", ""),
        )
        return described(group)


class GetGroup(Query):
    needs = IN_OPERATION
    accepts = GroupCodeSerializer
    answers = GroupSerializer

    def run(self, given: dict[str, Any]) -> Any:
        return described(group_by_code(self, given["code"]))


class DeleteGroupsBatch(Command):
    needs = IN_OPERATION
    accepts = GroupCodesSerializer

    def run(self, given: dict[str, Any]) -> None:
        groups = groups_by_code(self, given["code_list"])
        self.require("delete_group", groups)
        delete_groups(groups=groups, actor=self.caller)


class AddGroupMembers(Command):
    needs = IN_OPERATION
    accepts = GroupMembersSerializer

    def run(self, given: dict[str, Any]) -> None:
        group = group_by_code(self, given["code"])
        self.require("add_user_to_group", [group])
        members = users_by_id(self, given["user_ids"])
        add_members(group=group, users=members, actor=self.caller)


class RemoveGroupMembers(Command):
    needs = IN_OPERATION
    accepts = GroupMembersSerializer

    def run(self, given: dict[str, Any]) -> None:
        group = group_by_code(self, given["code"])
        self.require("remove_user_from_group", [group])
        members = users_by_id(self, given["user_ids"])
        remove_members(group=group, users=members, actor=self.caller)


class ListGroupMembers(users.UserPages, Query):
    accepts = GroupPageSerializer

    def run(self, given: dict[str, Any]) -> Any:
        group = group_by_code(self, given["code"])
        rows = self.visible(User.objects.members_of([group]).order_by("pk"))
        return self.users(rows, given, given)


def described(group: Group) -> dict[str, Any]:
    return {
        "id": group.hex_id,
        "code": code_of(group),
        "name": group.display_name or group.name,
        "description": group.description,
        "type": "static",
    }
