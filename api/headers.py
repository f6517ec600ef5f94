"""Headers that several doors send."""

# With every answer that tells a key or a password: none of the caches on its way may keep it.
NO_STORE = {"Cache-Control": "no-store"}
