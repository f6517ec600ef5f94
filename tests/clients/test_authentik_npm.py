"""npm's @goauthentik/api, two generations, each in a folder of its own."""

import pytest

from tests.clients.driving import DRIVERS, drive
from tests.environments import node_environment

GENERATIONS = {
    "2024.8": "@goauthentik/api@2024.8.3-1729836831",
    "2026.8": "@goauthentik/api@2026.8.3",
}


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_operation_of_the_client_works(server, generation):
    modules = node_environment(f"authentik-npm-{generation}", [GENERATIONS[generation]])
    prefix = f"js{generation.replace('.', '-')}"

    done = drive(
        ["node", DRIVERS / "authentik_npm" / "run.mjs", modules, server.url, server.token, prefix]
    )

    done.check()
