"""The service's settings, with what makes a test run quick and repeatable."""

from tests import environment

environment.prepare()

from rbac_service.settings import *  # noqa: E402, F403  the environment has to be set first

# The real hasher costs a tenth of a second per password, on purpose; tests of it name it.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
