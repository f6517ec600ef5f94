"""The schema, the configuration, and who the caller is."""

from world import operations


def the_schema_names_every_operation(world):
    schema = world.schema.schema_retrieve(format="json")
    served = {
        operation["operationId"]
        for path in schema["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    }
    assert str(schema["openapi"]).startswith("3.0")
    assert {name for name in operations() if name.startswith("rbac_")} <= served


def the_configuration_is_readable(world):
    config = world.root.root_config_retrieve()

    assert config.error_reporting.enabled is False
    assert config.capabilities == []


def the_administrator_is_a_superuser(world):
    session = world.core.core_users_me_retrieve()

    assert session.user.username == "akadmin"
    assert session.user.is_superuser
    assert "authentik Admins" in [group.name for group in session.user.groups]
    if hasattr(session, "users"):
        assert [user.is_current for user in session.users] == [True]


STEPS = [
    the_schema_names_every_operation,
    the_configuration_is_readable,
    the_administrator_is_a_superuser,
]
