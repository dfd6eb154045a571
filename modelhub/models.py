"""The models of all packages, in the one place where Django looks for them."""

from modelhub.accounts.models import ApiKey, ApiKeyUse, Organization, User
from modelhub.idempotency.models import IdempotencyRecord
from modelhub.labels.models import Label, LabelVersion, Project
from modelhub.scores.models import Score, ScoreRevision
from modelhub.sources.models import Source

__all__ = [
    "ApiKey",
    "ApiKeyUse",
    "IdempotencyRecord",
    "Label",
    "LabelVersion",
    "Organization",
    "Project",
    "Score",
    "ScoreRevision",
    "Source",
    "User",
]
