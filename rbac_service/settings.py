"""Everything the service can be told, from the environment; see `docs/configuration.md`."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rbac_service import __version__, environment

BASE_DIR = Path(__file__).resolve().parent.parent
MEBIBYTE = 1024 * 1024

# The service itself

PORT = environment.integer("PORT", 8000, least=1, most=65535)
RBAC_DATA_DIR = environment.directory("RBAC_DATA_DIR", BASE_DIR / "data")
RBAC_PUBLIC_URL = environment.url("RBAC_PUBLIC_URL", f"http://127.0.0.1:{PORT}")
RBAC_WORKERS = environment.integer("RBAC_WORKERS", min(os.cpu_count() or 1, 8), least=1, most=256)
RBAC_THREADS = environment.integer("RBAC_THREADS", 4, least=1, most=64)
RBAC_BOOTSTRAP_PASSWORD = environment.credential("RBAC_BOOTSTRAP_PASSWORD")
RBAC_BOOTSTRAP_TOKEN = environment.credential("RBAC_BOOTSTRAP_TOKEN")
RBAC_TOKEN_LIFETIME = environment.duration("RBAC_TOKEN_LIFETIME", timedelta(days=30))
RBAC_PASSWORD_RULES = environment.boolean("RBAC_PASSWORD_RULES", True)
RBAC_MAX_BODY = 10 * MEBIBYTE

SECRET_KEY = environment.secret_key("RBAC_SECRET_KEY", RBAC_DATA_DIR / "secret_key")
SECRET_KEY_FALLBACKS = environment.secret_keys("RBAC_SECRET_KEY_FALLBACKS")
DEBUG = environment.boolean("RBAC_DEBUG", False)
# Safe as a default because no URL or redirect is ever built from the Host header; a fixed list
# would refuse every service name, address and probe the operator did not think of.
ALLOWED_HOSTS = environment.hosts("RBAC_ALLOWED_HOSTS")

# Django

ROOT_URLCONF = "rbac_service.urls"
WSGI_APPLICATION = "rbac_service.wsgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
FORMAT_MODULE_PATH = "console.formats"
LANGUAGE_CODE = "en-us"

INSTALLED_APPS = [
    "audit.apps.AuditConfig",
    "accounts.apps.AccountsConfig",
    "roles.apps.RolesConfig",
    "permissions.apps.PermissionsConfig",
    "api.apps.ApiConfig",
    # Before unfold, whose templates it replaces some of, and that before Django's own.
    "console.apps.ConsoleConfig",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "console.apps.SiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "guardian",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
]

MIDDLEWARE = [
    "rbac_service.middleware.RequestMiddleware",
    "rbac_service.middleware.ConnectionMiddleware",
    # Decisions need nothing of what follows and go around it.
    "rbac_service.middleware.DecisionMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "rbac_service.middleware.PagePolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

SILENCED_SYSTEM_CHECKS = [
    "guardian.W001",  # guardian's backend is left out: the engine alone decides, over its tables
    "security.W005",  # what other hosts of the domain serve is not this service's to say
    "security.W008",  # plain HTTP arrives from the proxy that ends TLS and redirects
    "security.W021",  # likewise for the browsers' preload list
]

# Database


def _database() -> dict[str, Any]:
    config = environment.database("DATABASE_URL", f"sqlite:///{RBAC_DATA_DIR / 'rbac.sqlite3'}")
    options = config.setdefault("OPTIONS", {})
    prepare = environment.boolean("RBAC_DB_PREPARE", True)
    if config["ENGINE"].endswith("sqlite3"):
        environment.create_private(Path(config["NAME"]))
        # IMMEDIATE takes the write lock when a transaction begins: with the default, two requests
        # that read and then write fail at once with "database is locked" instead of queueing.
        options.setdefault("transaction_mode", "IMMEDIATE")
        options.setdefault("timeout", 20)
        options.setdefault("init_command", "PRAGMA journal_mode=WAL;PRAGMA foreign_keys=ON;")
        return config
    # The ORM keeps Django's client-side binding; the decision statements open server-side cursors
    # and are prepared after this many uses. PgBouncer below 1.21 in transaction mode cannot follow.
    options.setdefault("prepare_threshold", 2 if prepare else None)
    config["DISABLE_SERVER_SIDE_CURSORS"] = not prepare
    config["CONN_MAX_AGE"] = None
    config["CONN_HEALTH_CHECKS"] = True
    return config


DATABASES = {"default": _database()}

# Who is asking

AUTH_USER_MODEL = "authentik_core.User"
AUTHENTICATION_BACKENDS = ["permissions.backends.EngineBackend"]
_PASSWORD_RULES: dict[str, dict[str, Any]] = {
    "UserAttributeSimilarityValidator": {"user_attributes": ("username", "name", "email")},
    "MinimumLengthValidator": {"min_length": 8},
    "CommonPasswordValidator": {},
    "NumericPasswordValidator": {},
}
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in _PASSWORD_RULES.items()
    if RBAC_PASSWORD_RULES
]
GUARDIAN_USER_OBJ_PERMS_MODEL = "permissions.UserObjectPermission"
GUARDIAN_GROUP_OBJ_PERMS_MODEL = "permissions.RoleObjectPermission"
# The service has no anonymous principal: an unauthenticated caller holds nothing.
ANONYMOUS_USER_NAME = None
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/admin/"

# Cookies and headers: the names are authentik's, which its browser clients send.

_PUBLIC = urlsplit(RBAC_PUBLIC_URL)
_HTTPS = _PUBLIC.scheme == "https"
SESSION_COOKIE_NAME = "authentik_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = _HTTPS
CSRF_COOKIE_NAME = "authentik_csrf"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = _HTTPS
CSRF_HEADER_NAME = "HTTP_X_AUTHENTIK_CSRF"
CSRF_TRUSTED_ORIGINS = [f"{_PUBLIC.scheme}://{_PUBLIC.netloc}"]
CSRF_FAILURE_VIEW = "rbac_service.errors.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31536000 if _HTTPS else 0
X_FRAME_OPTIONS = "DENY"
# Somebody who walked away is signed out by the next day.
SESSION_COOKIE_AGE = 12 * 60 * 60
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        # Alpine, which unfold's pages are made with, turns the texts of attributes into functions.
        "script-src": ["'self'", "'unsafe-eval'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# A body up to the limit is accepted whatever its kind; RequestMiddleware answers 413 above it.
DATA_UPLOAD_MAX_MEMORY_SIZE = RBAC_MAX_BODY
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10000

# Static files are served from the packages that bring them: nothing to collect, nothing to forget.

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}

# API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "api.authentication.BearerAuthentication",
        "api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["api.json.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["api.json.FastJSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "rest_framework.filters.OrderingFilter",
        "rest_framework.filters.SearchFilter",
    ],
    "DEFAULT_PAGINATION_CLASS": "api.v3.lists.pagination.Pagination",
    "DEFAULT_SCHEMA_CLASS": "api.schema.DescribedSchema",
    "EXCEPTION_HANDLER": "api.errors.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "RBAC service",
    "DESCRIPTION": "May this subject do this action on this resource, and why?",
    "VERSION": __version__,
    "OAS_VERSION": "3.0.3",
    "SCHEMA_PATH_PREFIX": r"/api/v3",
    "SCHEMA_PATH_PREFIX_TRIM": True,
    "SERVERS": [{"url": "/api/v3/"}],
    "TAGS": [
        {"name": "core", "description": "Who: users, groups and API tokens."},
        {
            "name": "rbac",
            "description": (
                "What they may do: roles, permissions, grants, resources, and asking about all of "
                "it."
            ),
        },
        {"name": "root", "description": "What programs ask before they sign in."},
        {"name": "schema", "description": "This document."},
    ],
    "SERVE_PUBLIC": True,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_INCLUDE_SCHEMA": True,
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_NO_READ_ONLY_REQUIRED": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "UserTypeEnum": "accounts.models.UserType",
        "IntentEnum": "accounts.models.TokenIntent",
        "ScopeKindEnum": "roles.models.ScopeKind",
        "ResourceModeEnum": "permissions.models.ResourceMode",
        "InitialPermissionsModeEnum": "roles.models.InitialPermissionsMode",
        "UsedByActionEnum": ["cascade", "cascade_many", "set_null", "set_default"],
    },
    "PREPROCESSING_HOOKS": ["api.schema.of_this_door"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "api.schema.add_error_responses",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# Log lines go to standard error. Request lines carry method and path only, never headers or bodies.

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "rbac_service.logs.RequestIdFilter"}},
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request_id"],
        }
    },
    "root": {
        "handlers": ["stderr"],
        "level": environment.choice(
            "RBAC_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
        ),
    },
    "loggers": {
        # Refusals (4xx) are the callers' business and are in the audit log where they matter.
        "django.request": {"level": "ERROR"},
        "django.security": {"level": "CRITICAL"},
        # Django adds handlers of its own; without this each line would appear twice.
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
    },
}
