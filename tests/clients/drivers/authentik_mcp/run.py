"""Drives PyPI's authentik-mcp over its own protocol: its tools for users, groups and tokens.

    python run.py PROGRAM URL TOKEN PREFIX

Runs in the program's environment, whose protocol library it uses as a client. Prints one JSON
object per step, then one naming the tools there are and those that answered.
"""

import ast
import asyncio
import json
import sys
import traceback

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

OWN = ("user", "users", "group", "groups", "token", "tokens")


class Tools:
    """Calls a tool and reads the Python value its answer ends with."""

    def __init__(self, session):
        self._session = session
        self.answered = set()

    async def __call__(self, name, /, **arguments):
        answer = await self._session.call_tool(f"authentik_{name}", arguments)
        said = answer.content[0].text
        assert not said.startswith("Error"), said
        self.answered.add(name)
        return ast.literal_eval(said.partition(": ")[2])

    async def fails(self, name, /, **arguments):
        answer = await self._session.call_tool(f"authentik_{name}", arguments)
        said = answer.content[0].text
        assert said.startswith("Error"), said
        self.answered.add(name)
        return said

    async def offered(self):
        tools = (await self._session.list_tools()).tools
        names = [tool.name.removeprefix("authentik_") for tool in tools]
        return sorted(name for name in names if name.split("_")[-1] in OWN)


async def creates_and_reads_a_user(tools, prefix, left):
    left["user"] = await tools(
        "create_user", username=f"{prefix}-mia", name="Mia", email="mia@example.com"
    )
    read = await tools("get_user", user_id=left["user"]["pk"])

    assert read == left["user"]


async def updates_a_user(tools, prefix, left):
    changed = await tools("update_user", user_id=left["user"]["pk"], name="Mia M.")

    assert (changed["name"], changed["email"]) == ("Mia M.", "mia@example.com")


async def lists_users(tools, prefix, left):
    page = await tools("list_users", search=prefix, is_active=True, page=1, page_size=20)

    assert [user["username"] for user in page["results"]] == [f"{prefix}-mia"]


async def creates_and_reads_a_group(tools, prefix, left):
    above = await tools("create_group", name=f"{prefix}-house")
    left["group"] = await tools(
        "create_group", name=f"{prefix}-room", parent=above["pk"], users=[left["user"]["pk"]]
    )
    read = await tools("get_group", group_id=left["group"]["pk"])

    assert (read["parent"], read["users"]) == (above["pk"], [left["user"]["pk"]])


async def updates_a_group(tools, prefix, left):
    changed = await tools("update_group", group_id=left["group"]["pk"], name=f"{prefix}-hall")

    assert (changed["name"], changed["users"]) == (f"{prefix}-hall", [left["user"]["pk"]])


async def lists_groups(tools, prefix, left):
    page = await tools("list_groups", search=prefix, ordering="-name")

    assert [group["name"] for group in page["results"]] == [f"{prefix}-house", f"{prefix}-hall"]


async def creates_and_lists_tokens(tools, prefix, left):
    made = await tools("create_token", identifier=f"{prefix}-key", user=left["user"]["pk"])
    page = await tools("list_tokens", search=prefix)

    assert made["user"] == left["user"]["pk"]
    assert [token["identifier"] for token in page["results"]] == [f"{prefix}-key"]


async def deletes_both(tools, prefix, left):
    # The program wants a body where deletions have none, authentik's included, and says so.
    user, group = left["user"]["pk"], left["group"]["pk"]
    assert "Expecting value" in await tools.fails("delete_user", user_id=user)
    assert "Expecting value" in await tools.fails("delete_group", group_id=group)

    assert "404" in await tools.fails("get_user", user_id=user)
    assert "404" in await tools.fails("get_group", group_id=group)


STEPS = [
    creates_and_reads_a_user,
    updates_a_user,
    lists_users,
    creates_and_reads_a_group,
    updates_a_group,
    lists_groups,
    creates_and_lists_tokens,
    deletes_both,
]


async def main():
    program, url, token, prefix = sys.argv[1:]
    server = StdioServerParameters(command=program, args=["--base-url", url, "--token", token])
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        tools, left = Tools(session), {}
        for step in STEPS:
            say(step=step.__name__, error=await failure(step, tools, prefix, left))
        say(operations=await tools.offered(), answered=sorted(tools.answered), refused=[])


async def failure(step, *arguments):
    """What went wrong, or nothing."""
    try:
        await step(*arguments)
    except Exception:  # noqa: BLE001  one step's failure is reported, the next ones still run
        return traceback.format_exc()
    return None


def say(**line):
    sys.stdout.write(json.dumps(line) + "\n")


asyncio.run(main())
