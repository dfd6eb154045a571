"""The obvious version in Django REST Framework: ModelSerializers, and a savepoint and `update_or_create` per score.

It has modelhub's tables and answer, but no history, no locks and no check of values against their label.
"""

import hashlib
from typing import Any, cast

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from django.db import DatabaseError, transaction
from django.urls import path
from django.utils import timezone
from rest_framework import exceptions, generics, serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.bodies import BULK
from modelhub.accounts.models import ApiKey, User
from modelhub.labels.models import Label
from modelhub.scores.models import Score
from modelhub.sources.models import Source


class HeaderAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, ApiKey]:
        digest = hashlib.sha256(request.headers.get("X-Secret-Key", "").encode()).hexdigest()
        sent = {"api_key": request.headers.get("X-Api-Key", ""), "secret_digest": f"sha256${digest}"}
        key = ApiKey.objects.select_related("user").filter(**sent).first()
        if key is None:
            raise exceptions.AuthenticationFailed
        return key.user, key


class ScoreInput(serializers.ModelSerializer[Score]):
    label_id = serializers.UUIDField()

    class Meta:
        model = Score
        fields = ["label_id", "value", "score_source", "notes"]


class ScoreOutput(serializers.ModelSerializer[Score]):
    source_type = serializers.CharField(source="source.source_type")
    source_id = serializers.CharField(source="source.source_id")
    label_name = serializers.CharField(source="label.name")
    label_type = serializers.CharField(source="label.type")
    annotator_name = serializers.CharField(source="annotator.display_name")
    annotator_email = serializers.CharField(source="annotator.email")
    updated_by = serializers.PrimaryKeyRelatedField[User](source="annotator", read_only=True)
    updated_by_name = serializers.CharField(source="annotator.display_name")
    updated_by_email = serializers.CharField(source="annotator.email")

    class Meta:
        model = Score
        fields = ["id", "source_type", "source_id", "label_id", "label_name", "label_type", "value", "score_source",
                  "notes", "annotator", "annotator_id", "annotator_name", "annotator_email", "queue_item",
                  "created_at", "updated_at", "updated_by", "updated_by_name", "updated_by_email"]  # fmt: skip


class BulkScores(APIView):
    authentication_classes = (HeaderAuthentication,)
    permission_classes = (IsAuthenticated,)

    @transaction.atomic
    def post(self, request: Request) -> Response:
        """Store each score in a savepoint; a failed one becomes an error string."""
        annotator, sent = cast("User", request.user), cast("dict[str, Any]", request.data)
        organization = annotator.organization_id
        named = {"source_type": sent["source_type"], "source_key": sent["source_id"]}
        source = generics.get_object_or_404(Source, organization=organization, **named)
        entries = ScoreInput(data=sent["scores"], many=True)
        entries.is_valid(raise_exception=True)
        scores, errors = [], []
        for index, entry in enumerate(entries.validated_data):
            defaults = {"notes": sent["notes"], **entry, "organization_id": organization, "updated_at": timezone.now()}
            try:
                with transaction.atomic():
                    label = Label.objects.get(pk=defaults.pop("label_id"), organization=organization)
                    one: dict[str, Any] = {"source": source, "label": label, "annotator": annotator, "queue_item": None}
                    score, _ = Score.objects.update_or_create(**one, deleted_at=None, defaults=defaults)
                    scores.append(score)
            except (Label.DoesNotExist, DatabaseError) as error:
                errors.append(f"scores[{index}]: {error}")
        return Response({"scores": ScoreOutput(scores, many=True).data, "errors": errors}, status=201)


urlpatterns = [path(BULK.removeprefix("/"), BulkScores.as_view())]
