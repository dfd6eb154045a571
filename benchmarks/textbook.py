"""The obvious version: what somebody who knows Django REST Framework would write in an afternoon.

The same tables, keys and answer; a nested serializer, and for each score one query for its label, one savepoint and
one `update_or_create`. No history, no locks, no check of values beyond their being objects.
"""

import hashlib
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone
from rest_framework import exceptions, serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.parsers import JSONParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from modelhub.accounts.models import ApiKey, User
from modelhub.labels.models import Label
from modelhub.scores.models import SCORE_SOURCES, Score
from modelhub.sources.models import Source


class HeaderAuthentication(BaseAuthentication):
    """Two headers, looked up with the ORM."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey]:
        try:
            key = ApiKey.objects.select_related("user").get(api_key=request.headers.get("X-Api-Key", ""))
        except ApiKey.DoesNotExist:
            raise exceptions.AuthenticationFailed from None
        secret = request.headers.get("X-Secret-Key", "")
        if key.secret_digest != f"sha256${hashlib.sha256(secret.encode()).hexdigest()}":
            raise exceptions.AuthenticationFailed
        return key.user, key


class ScoreIn(serializers.Serializer[Any]):
    """One score of a request."""

    label_id = serializers.UUIDField()
    value = serializers.JSONField()
    score_source = serializers.ChoiceField(choices=SCORE_SOURCES, default="human")
    notes = serializers.CharField(required=False, allow_blank=True, default="")


class BulkIn(serializers.Serializer[Any]):
    """The request."""

    source_type = serializers.CharField()
    source_id = serializers.CharField()
    scores = ScoreIn(many=True)
    notes = serializers.CharField(required=False, allow_blank=True, default="")


class ScoreOut(serializers.ModelSerializer[Score]):
    """One score of the answer."""

    source_type = serializers.CharField(source="source.source_type")
    source_id = serializers.CharField(source="source.source_id")
    label_name = serializers.CharField(source="label.name")
    label_type = serializers.CharField(source="label.type")
    annotator_name = serializers.CharField(source="annotator.display_name")
    annotator_email = serializers.CharField(source="annotator.email")

    class Meta:
        model = Score
        fields = [
            "id",
            "source_type",
            "source_id",
            "label_id",
            "label_name",
            "label_type",
            "value",
            "score_source",
            "notes",
            "annotator",
            "annotator_id",
            "annotator_name",
            "annotator_email",
            "queue_item",
            "created_at",
            "updated_at",
        ]


class TextbookScores(APIView):
    """Many scores on one source."""

    authentication_classes = (HeaderAuthentication,)
    permission_classes = (IsAuthenticated,)
    parser_classes = (JSONParser,)
    renderer_classes = (JSONRenderer,)

    @transaction.atomic
    def post(self, request: Request) -> Response:
        """Store them one by one; what fails becomes an error string."""
        batch = BulkIn(data=request.data)
        batch.is_valid(raise_exception=True)
        wanted = batch.validated_data
        annotator = request.user
        assert isinstance(annotator, User)
        source = Source.objects.get(
            organization=annotator.organization_id,
            source_type=wanted["source_type"],
            source_key=wanted["source_id"],
        )
        scores, errors = [], []
        for index, given in enumerate(wanted["scores"]):
            try:
                with transaction.atomic():
                    label = Label.objects.get(pk=given["label_id"], organization=source.organization_id)
                    score, _ = Score.objects.update_or_create(
                        source=source,
                        label=label,
                        annotator=annotator,
                        queue_item=None,
                        deleted_at=None,
                        defaults={
                            "organization_id": source.organization_id,
                            "value": given["value"],
                            "score_source": given["score_source"],
                            "notes": given["notes"] or wanted["notes"],
                            "updated_at": timezone.now(),
                        },
                    )
                    scores.append(score)
            except (Label.DoesNotExist, DatabaseError) as error:
                errors.append(f"scores[{index}]: {error}")
        return Response({"scores": ScoreOut(scores, many=True).data, "errors": errors}, status=201)
