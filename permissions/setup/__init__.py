"""What a new service starts with: the catalogue, an administrator, a company to look at."""

from permissions.setup.bootstrap import bootstrap_admin
from permissions.setup.catalogue import load_after_migrate
from permissions.setup.demo import load_demo

__all__ = ["bootstrap_admin", "load_after_migrate", "load_demo"]
