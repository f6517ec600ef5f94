"""PyPI's genauth and authing, each in an environment of its own; only authing knows departments."""

import json

import pytest

from api.genauth.unsupported import NAMES
from api.genauth.urls import OPERATIONS
from tests.clients.driving import DRIVERS, drive
from tests.environments import python_environment

# The packages import websockets and do not say so.
PACKAGES = {
    "genauth": ["genauth==5.1.0", "websockets"],
    "authing": ["authing==5.1.0", "websockets"],
}
# No method of either package asks for it by this name.
OWN_WAY = {"get-management-token"}


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("prefix", ["", "/genauth"])
def test_every_operation_of_the_package_works(server, package, prefix):
    python = python_environment(package, PACKAGES[package])
    pair = json.loads(server.manage("create_access_key", "--json"))

    done = drive(
        [
            python,
            DRIVERS / "genauth_python" / "run.py",
            package,
            f"{server.url}{prefix}",
            pair["access_key_id"],
            pair["access_key_secret"],
            f"{package}{len(prefix)}",
            ",".join(OPERATIONS.keys() - OWN_WAY),
            ",".join(NAMES),
        ]
    )

    done.check()
