"""Named shapes, peers beside them, one table; see `docs/performance.md`."""
