"""Paths of agreement, adjudication and summaries."""

from django.urls import path

from modelhub.agreement import disagreement_views, summary_views, views
from modelhub.queues.urls import ITEM, QUEUE

urlpatterns = [
    path(QUEUE + "agreement/", views.QueueAgreement.as_view(), name="queue-agreement"),
    path("model-hub/agreement/", views.Agreement.as_view(), name="agreement"),
    path(QUEUE + "disagreements/", disagreement_views.QueueDisagreements.as_view(), name="queue-disagreements"),
    path(QUEUE + "adjudicate/", disagreement_views.Adjudicate.as_view(), name="queue-adjudicate"),
    path(ITEM + "adjudications/", disagreement_views.ItemAdjudications.as_view(), name="item-adjudications"),
    path("model-hub/annotations-labels/<id:pk>/summary/", summary_views.LabelSummary.as_view(), name="label-summary"),
]
