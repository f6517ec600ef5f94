import uuid

from django.db import models


class Document(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)

    class Meta:
        app_label = "documents"
        db_table = "documents_document"

    def __str__(self) -> str:
        return str(self.id)
