"""Assignments, memberships and grants: listed, found, and ended or prolonged many at once."""
