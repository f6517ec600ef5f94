"""The product's own roles, the type of its objects, and the scope of all of them."""

import uuid

from api.aria.traversal import OBJECT_TYPE
from permissions.setup import Predefined

PREDEFINED = Predefined(
    type=OBJECT_TYPE,
    type_names=("Aria Operations", "Aria Operations object", "Aria Operations objects"),
    # The privileges each role has in the product are not published: administrators choose them.
    roles={
        "Administrator": "Everything, on the objects it is given for",
        "PowerUser": "Everything but users and cluster management",
        "PowerUserMinusRemediation": "As PowerUser, without actions on objects",
        "ContentAdmin": "Dashboards, views, reports and other content",
        "AgentManager": "Deploying and configuring agents",
        "GeneralUser-1": "Predefined for ordinary users",
        "GeneralUser-2": "Predefined for ordinary users",
        "GeneralUser-3": "Predefined for ordinary users",
        "GeneralUser-4": "Predefined for ordinary users",
        "ReadOnly": "Looking at everything, changing nothing",
    },
    scope_id=uuid.UUID("a110b1ec-75a1-5c09-8e5c-0a110b1ec750"),
    scope_name="All Objects",
    scope_description="Every resource of every type",
)
