"""PyPI's authentik-client, three generations, each in a virtual environment of its own."""

import pytest

from tests.clients.driving import DRIVERS, drive
from tests.environments import python_environment

GENERATIONS = {
    "2024.8": "authentik-client==2024.8.3.post1729836879",
    "2025.12": "authentik-client==2025.12.0",
    "2026.8": "authentik-client==2026.8.5",
}


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_operation_of_the_client_works(server, generation):
    python = python_environment(f"authentik-python-{generation}", [GENERATIONS[generation]])
    prefix = f"py{generation.replace('.', '-')}"

    done = drive(
        [python, DRIVERS / "authentik_python" / "run.py", server.url, server.token, prefix]
    )

    done.check()
