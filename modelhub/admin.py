"""The admin pages of all packages, in the one place where Django looks for them."""

from modelhub.accounts.admin import ApiKeyAdmin, OrganizationAdmin, UserAdmin
from modelhub.labels.admin import LabelAdmin, ProjectAdmin
from modelhub.scores.admin import ScoreAdmin
from modelhub.sources.admin import SourceAdmin

__all__ = [
    "ApiKeyAdmin",
    "LabelAdmin",
    "OrganizationAdmin",
    "ProjectAdmin",
    "ScoreAdmin",
    "SourceAdmin",
    "UserAdmin",
]
