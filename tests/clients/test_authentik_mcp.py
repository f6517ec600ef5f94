"""PyPI's authentik-mcp, which manages users, groups and tokens on behalf of assistants."""

from tests.clients.driving import DRIVERS, drive
from tests.environments import python_environment

# Its releases name no upper bound, and the library's second major version is another one.
REQUIREMENTS = ["authentik-mcp==0.1.2", "mcp<2"]


def test_every_tool_for_users_groups_and_tokens_works(server):
    python = python_environment("authentik-mcp", REQUIREMENTS)
    program = python.with_name("authentik-mcp")

    done = drive(
        [python, DRIVERS / "authentik_mcp" / "run.py", program, server.url, server.token, "mcp"]
    )

    done.check()
