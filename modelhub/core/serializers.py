"""Helpers for serializers."""

from typing import Any

from rest_framework import serializers


def render_list(output: type[serializers.Serializer[Any]], rows: Any) -> list[dict[str, Any]]:
    return list(output(rows, many=True).data)
