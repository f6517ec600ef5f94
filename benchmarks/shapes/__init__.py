"""One module per shape: a drawing, the data, a checked answer, and ``measure``."""
