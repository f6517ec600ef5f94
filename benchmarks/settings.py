"""The service's settings, and beside its routes those of the floors it is compared with."""

from rbac_service.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.urls"
