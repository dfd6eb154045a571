"""What the parts cost before anything is judged: the same server, DRF, a connection of the pool, one statement.

No key, no rule, no look at what is stored, no history: whatever does more on these parts cannot be faster.
"""

from functools import cache
from typing import Any

from django.db import connection
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.servers import API_KEY
from benchmarks.subjects import UPSERT
from modelhub.accounts.models import ApiKey
from modelhub.core import exact_json
from modelhub.core.ids import new_id_text

STORE = UPSERT.replace(
    "%(source)s",
    "(SELECT id FROM modelhub_source WHERE organization_id = %(organization)s AND source_type = 'trace'"
    " AND source_key = %(source)s)",
)


@cache
def shared() -> dict[str, Any]:
    """What all requests store."""
    key = ApiKey.objects.get(api_key=API_KEY)
    return {"organization": key.organization_id, "annotator": key.user_id, "notes": "Benchmark"}


class BareScores(APIView):
    """Many scores on one source."""

    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request) -> Response:
        """Store them as they are, and answer them."""
        sent: Any = request.data
        rows = [{"id": new_id_text(), **score} for score in sent["scores"]]
        parameters = {"source": sent["source_id"], "now": timezone.now(), "rows": exact_json.dumps(rows)}
        with connection.cursor() as cursor:
            cursor.execute(STORE, {**shared(), **parameters})
        return Response({"scores": rows, "errors": []}, status=201)
