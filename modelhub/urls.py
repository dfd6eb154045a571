"""The paths of all packages. Each API path ends in a slash and is served without a redirect (contract 1)."""

from modelhub.core import urls as core
from modelhub.labels import urls as labels
from modelhub.scores import urls as scores
from modelhub.sources import urls as sources

urlpatterns = [*scores.urlpatterns, *sources.urlpatterns, *labels.urlpatterns, *core.urlpatterns]
