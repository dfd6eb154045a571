"""Datasets: tables that exports of queues fill."""

from django.db import models

from modelhub.accounts.models import Organization
from modelhub.core import clock
from modelhub.core.models import (
    TenantForeignKey,
    TenantRow,
    exact_json_field,
    is_object,
    name_field,
    name_key,
    newest_first,
)


class Dataset(TenantRow):
    """A named table; `columns` holds the names of its columns in their order."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="datasets", db_index=False)
    name = name_field()
    columns = exact_json_field(default=list, blank=True)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(name_key("name"), "organization", name="dataset_name_is_unique")]
        indexes = [newest_first("organization", name="dataset_newest_first")]

    def __str__(self) -> str:
        return self.name


class DatasetRow(TenantRow):
    """One row of a dataset: `cells` by the name of their column, and its origin.

    `queue_item` is the item of a queue that the row is of: an item has one row.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    dataset = TenantForeignKey(Dataset, on_delete=models.PROTECT, related_name="rows", db_index=False)
    position = models.IntegerField()
    queue_item = models.UUIDField(null=True, blank=True, editable=False)
    cells = exact_json_field(default=dict, blank=True)
    metadata = exact_json_field(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "position", "organization"], name="datasetrow_position_is_unique"
            ),
            models.UniqueConstraint(
                fields=["dataset", "queue_item", "organization"],
                name="datasetrow_item_is_unique",
                condition=~models.Q(queue_item=None),
            ),
            is_object("cells", table="datasetrow"),
            is_object("metadata", table="datasetrow"),
        ]

    def __str__(self) -> str:
        return f"row {self.position} of dataset {self.dataset_id}"
