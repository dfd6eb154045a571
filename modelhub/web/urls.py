"""Addresses of the pages."""

from django.urls import path

from modelhub.web import (
    adding_views,
    annotate_views,
    edit_queue_views,
    item_views,
    key_views,
    label_result_views,
    label_views,
    people_views,
    queue_result_views,
    queue_views,
    review_views,
    session_views,
    source_views,
    start_views,
)

app_name = "web"

urlpatterns = [
    path("", start_views.Start.as_view(), name="start"),
    path("login/", session_views.Login.as_view(), name="login"),
    path("logout/", session_views.Logout.as_view(), name="logout"),
    path("password/", session_views.Password.as_view(), name="password"),
    path("invitation/<str:token>/", session_views.AcceptInvitation.as_view(), name="invitation"),
    path("queues/", queue_views.Queues.as_view(), name="queues"),
    path("queues/new/", edit_queue_views.NewQueue.as_view(), name="new-queue"),
    path("queues/<id:pk>/", queue_views.OneQueue.as_view(), name="queue"),
    path("queues/<id:pk>/edit/", edit_queue_views.EditQueue.as_view(), name="edit-queue"),
    path("queues/<id:pk>/add/", adding_views.AddItems.as_view(), name="add-items"),
    path("queues/<id:pk>/items/", item_views.Items.as_view(), name="items"),
    path("queues/<id:pk>/export/", queue_views.ExportQueue.as_view(), name="queue-export"),
    path("queues/<id:pk>/annotate/", annotate_views.StartAnnotating.as_view(), name="start-annotating"),
    path("queues/<id:pk>/annotate/<id:item_id>/", annotate_views.Annotate.as_view(), name="annotate"),
    path("queues/<id:pk>/annotate/<id:item_id>/reserve/", annotate_views.Reserve.as_view(), name="reserve"),
    path("queues/<id:pk>/review/", review_views.ReviewList.as_view(), name="review-list"),
    path("queues/<id:pk>/review/<id:item_id>/", review_views.ReviewItem.as_view(), name="review"),
    path("queues/<id:pk>/results/", queue_result_views.QueueResults.as_view(), name="queue-results"),
    path("labels/", label_views.Labels.as_view(), name="labels"),
    path("labels/new/", label_views.NewLabel.as_view(), name="new-label"),
    path("labels/preview/", label_views.PreviewLabel.as_view(), name="preview-new-label"),
    path("labels/<id:pk>/preview/", label_views.PreviewLabel.as_view(), name="preview-label"),
    path("labels/<id:pk>/", label_views.EditLabel.as_view(), name="edit-label"),
    path("labels/<id:pk>/results/", label_result_views.LabelResults.as_view(), name="label-results"),
    path("sources/", source_views.Sources.as_view(), name="sources"),
    path("sources/<id:pk>/", source_views.OneSource.as_view(), name="source"),
    path("people/", people_views.People.as_view(), name="people"),
    path("people/<id:pk>/", people_views.Person.as_view(), name="person"),
    path("keys/", key_views.Keys.as_view(), name="keys"),
    path("keys/<id:pk>/", key_views.OneKey.as_view(), name="key"),
]
