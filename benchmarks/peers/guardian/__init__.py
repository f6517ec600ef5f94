"""django-guardian as its documentation sets it up: stock auth, its backend, its generic tables."""
