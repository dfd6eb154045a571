"""Paths of all packages; API paths end in a slash, without redirects."""

from modelhub import not_implemented
from modelhub.accounts import urls as accounts
from modelhub.agreement import urls as agreement
from modelhub.core import urls as core
from modelhub.datasets import urls as datasets
from modelhub.labels import urls as labels
from modelhub.queues import urls as queues
from modelhub.scores import urls as scores
from modelhub.sources import urls as sources

urlpatterns = [
    *scores.urlpatterns,
    *sources.urlpatterns,
    *labels.urlpatterns,
    *queues.urlpatterns,
    *datasets.urlpatterns,
    *agreement.urlpatterns,
    *accounts.urlpatterns,
    *core.urlpatterns,
    *not_implemented.urlpatterns,
]
