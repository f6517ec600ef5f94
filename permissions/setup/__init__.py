"""What a new service starts with: the catalogue, an administrator, a company to look at."""

from permissions.setup.bootstrap import ADMIN, bootstrap_admin
from permissions.setup.catalogue import load_after_migrate
from permissions.setup.demo import load_demo
from permissions.setup.predefined import Predefined

__all__ = ["ADMIN", "Predefined", "bootstrap_admin", "load_after_migrate", "load_demo"]
