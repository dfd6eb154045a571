"""Datasets and their rows in answers."""

from typing import Any

from rest_framework import serializers

from modelhub.core.serializers import OutputSerializer
from modelhub.datasets.models import Dataset


class DatasetSerializer(OutputSerializer[Dataset]):
    """A dataset."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    columns = serializers.ListField(child=serializers.CharField(), help_text="Names of the columns, in their order.")
    row_count = serializers.IntegerField()
    organization = serializers.UUIDField(source="organization_id")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class DatasetRowSerializer(OutputSerializer[Any]):
    """A row of a dataset."""

    id = serializers.UUIDField()
    position = serializers.IntegerField(help_text="Number of the row, from 1.")
    cells = serializers.DictField(help_text="A value per column of the dataset, null for a blank cell.")
    metadata = serializers.DictField(help_text="The origin of the row.")
    created_at = serializers.DateTimeField()
