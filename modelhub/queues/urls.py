"""Paths of annotation queues: each module of views adds its own."""

from django.urls import path

from modelhub.queues import export_views, item_views, queue_views, report_views, review_views, work_views

QUEUES = "model-hub/annotation-queues/"
QUEUE = QUEUES + "<id:pk>/"
ITEMS = QUEUE + "items/"
ITEM = ITEMS + "<id:item_id>/"

urlpatterns = [
    path(QUEUES, queue_views.Queues.as_view(), name="queues"),
    path(QUEUES + "for-source/", queue_views.QueuesOfSource.as_view(), name="queues-of-source"),
    path(QUEUES + "get-or-create-default/", queue_views.DefaultQueue.as_view(), name="queue-default"),
    path(QUEUE, queue_views.OneQueue.as_view(), name="queue"),
    path(QUEUE + "restore/", queue_views.RestoreQueue.as_view(), name="queue-restore"),
    path(QUEUE + "hard-delete/", queue_views.HardDeleteQueue.as_view(), name="queue-hard-delete"),
    path(QUEUE + "update-status/", queue_views.QueueStatus.as_view(), name="queue-status"),
    path(QUEUE + "add-label/", queue_views.AddLabel.as_view(), name="queue-add-label"),
    path(QUEUE + "remove-label/", queue_views.RemoveLabel.as_view(), name="queue-remove-label"),
    path(QUEUE + "progress/", report_views.QueueProgress.as_view(), name="queue-progress"),
    path(QUEUE + "analytics/", report_views.QueueAnalytics.as_view(), name="queue-analytics"),
    path(QUEUE + "export/", export_views.ExportQueue.as_view(), name="queue-export"),
    path(QUEUE + "export-fields/", export_views.ExportFields.as_view(), name="queue-export-fields"),
    path(QUEUE + "export-to-dataset/", export_views.ExportToDataset.as_view(), name="queue-export-to-dataset"),
    path(QUEUE + "members/", queue_views.Members.as_view(), name="queue-members"),
    path(QUEUE + "members/<id:user_id>/", queue_views.OneMember.as_view(), name="queue-member"),
    path(ITEMS, item_views.Items.as_view(), name="items"),
    path(ITEMS + "add-items/", item_views.AddItems.as_view(), name="items-add"),
    path(ITEMS + "assign/", item_views.AssignItems.as_view(), name="items-assign"),
    path(ITEMS + "bulk-remove/", item_views.RemoveItems.as_view(), name="items-remove"),
    path(ITEM, item_views.OneItem.as_view(), name="item"),
    path(ITEMS + "bulk-review/", review_views.BulkReview.as_view(), name="items-review"),
    path(ITEM + "review/", review_views.ReviewItem.as_view(), name="item-review"),
    path(ITEMS + "next-item/", work_views.NextItemView.as_view(), name="next-item"),
    path(ITEMS + "undo/", work_views.UndoLast.as_view(), name="undo-last-item"),
    path(ITEM + "reserve/", work_views.ReserveItem.as_view(), name="item-reserve"),
    path(ITEM + "release/", work_views.ReleaseItem.as_view(), name="item-release"),
    path(ITEM + "annotate-detail/", work_views.AnnotateDetail.as_view(), name="item-detail"),
    path(ITEM + "annotations/", work_views.Annotations.as_view(), name="item-annotations"),
    path(ITEM + "annotations/submit/", work_views.SubmitAnnotations.as_view(), name="item-submit"),
    path(ITEM + "annotations/import/", work_views.ImportAnnotations.as_view(), name="item-import"),
    path(ITEM + "complete/", work_views.CompleteItem.as_view(), name="item-complete"),
    path(ITEM + "skip/", work_views.SkipItem.as_view(), name="item-skip"),
    path(ITEM + "undo/", work_views.UndoItem.as_view(), name="item-undo"),
]
