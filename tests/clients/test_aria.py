"""Broadcom's own clients of the suite API, against the real server."""

from tests.clients.driving import DRIVERS, drive
from tests.environments import python_environment

SDK = ["vcf-operations==9.1.1.0"]
# The library imports requests without asking for it.
INTEGRATION = ["vmware-aria-operations-integration-sdk-lib==1.1.0", "requests"]


def test_every_operation_of_vcf_operations_works(server):
    python = python_environment("vcf-operations", SDK)

    done = drive(
        [
            python,
            DRIVERS / "vcf_operations" / "run.py",
            server.url,
            server.password,
            server.token,
            "vcf",
        ]
    )

    done.check()


def test_the_integration_sdks_client_works(server):
    python = python_environment("aria-integration-sdk", INTEGRATION)

    done = drive(
        [python, DRIVERS / "aria_sdk" / "run.py", server.url, server.password, "integration"]
    )

    done.check()
