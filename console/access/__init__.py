"""The questions: explain, who can, what can, compare; and the box that takes them in words."""
