"""Stored responses of requests with an Idempotency-Key."""

from django.db import models

from modelhub.accounts.models import Organization, User
from modelhub.core.models import TenantForeignKey, TenantRow


class IdempotencyRecord(TenantRow):
    """The stored answer to a request with an `Idempotency-Key`, for its repeats."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = TenantForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key", "organization"], name="idempotency_key_is_unique")
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_oldest")]

    def __str__(self) -> str:
        return f"answer to {self.key}"
