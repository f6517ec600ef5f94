"""A Django project that uses guardian; nothing of the service is installed in it."""

from rbac_service import environment

SECRET_KEY = environment.text("RBAC_SECRET_KEY")
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "guardian",
    "benchmarks.peers.guardian.apps.DocumentsConfig",
]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DATABASES = {"default": environment.database("DATABASE_URL", "")}
DATABASES["default"]["CONN_MAX_AGE"] = None
