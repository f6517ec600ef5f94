from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "benchmarks.peers.guardian"
    label = "documents"
    default_auto_field = "django.db.models.BigAutoField"
