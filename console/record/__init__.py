"""What happened, and what asks for attention: the change log, and the panels of the home page."""
