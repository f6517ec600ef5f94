"""The lists of the tables, for looking through: searched, filtered and shown, changed nowhere."""

from console.tables import people, resources, roles  # noqa: F401
