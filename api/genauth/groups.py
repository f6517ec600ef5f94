"""Groups of users, known by their codes."""

from __future__ import annotations

from functools import partial
from typing import Annotated, TypeAlias

from msgspec import Meta

from accounts.models import Group, User
from api.genauth.base import IN_OPERATION, Command, Query
from api.genauth.lookups import code_of, group_by_code, groups_by_code, users_by_id
from api.genauth.users import UserDto, UserPaging, page_of_users
from api.genauth.wire import NewCode, Page, Shape, Text, Texts
from audit.errors import Conflict
from permissions.operations import add_members, create_group, delete_groups, remove_members

Description: TypeAlias = Annotated[str, Meta(max_length=512)]


class NewGroup(Shape):
    code: Annotated[str, partial(NewCode, "group")]
    name: Text = ""
    description: Description = ""
    type: Annotated[str, Meta(max_length=64)] = ""


class GroupCode(Shape):
    code: Text


class GroupMembers(GroupCode):
    user_ids: Texts


class GroupMembersPage(UserPaging):
    code: Text


class GroupCodes(Shape):
    code_list: Texts


class GroupDto(Shape):
    id: str
    code: str
    name: str
    description: str
    type: str


class CreateGroup(Command):
    """Create a group; without a name it is called by its code."""

    needs = "authentik_core.add_group"

    def run(self, request: NewGroup) -> GroupDto:
        code = request.code
        if Group.objects.filter(name=code).exists():
            raise Conflict(f"The group code {code} is taken.")
        group = create_group(
            actor=self.caller,
            name=code,
            code=code,
            display_name=request.name or code,
            description=request.description,
        )
        return group_dto(group)


class GetGroup(Query):
    """One group by its code."""

    needs = IN_OPERATION

    def run(self, request: GroupCode) -> GroupDto:
        return group_dto(group_by_code(self, request.code))


class DeleteGroupsBatch(Command):
    """Delete groups with all that was given to them; all or none."""

    needs = IN_OPERATION

    def run(self, request: GroupCodes) -> None:
        groups = groups_by_code(self, request.code_list)
        self.require_each("delete_group", groups)
        delete_groups(groups=groups, actor=self.caller)


class AddGroupMembers(Command):
    """All of the users or none; one who is in the group already is no error."""

    needs = IN_OPERATION

    def run(self, request: GroupMembers) -> None:
        group = group_by_code(self, request.code)
        self.require_each("add_user_to_group", [group])
        members = users_by_id(self, request.user_ids)
        add_members(group=group, users=members, actor=self.caller)


class RemoveGroupMembers(Command):
    """All of the users or none; one who is not in the group is no error."""

    needs = IN_OPERATION

    def run(self, request: GroupMembers) -> None:
        group = group_by_code(self, request.code)
        self.require_each("remove_user_from_group", [group])
        members = users_by_id(self, request.user_ids)
        remove_members(group=group, users=members, actor=self.caller)


class ListGroupMembers(Query):
    """Users who are in the group directly."""

    needs = IN_OPERATION

    def run(self, request: GroupMembersPage) -> Page[UserDto]:
        group = group_by_code(self, request.code)
        rows = self.visible(User.objects.members_of([group]).order_by("pk"))
        return page_of_users(rows, request)


def group_dto(group: Group) -> GroupDto:
    return GroupDto(
        id=group.hex_id,
        code=code_of(group),
        name=group.display_name or group.name,
        description=group.description,
        type="static",
    )
