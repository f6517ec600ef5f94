"""Lists: which rows, in which order, cut into pages, and the statements kept for them."""
