"""System checks: what would otherwise show as slow or wrong answers later."""
