-- The labels of a queue in their order: whether completing an item needs a score by it, and whether the person has one.
SELECT attached.label_id::text, attached.required AND label.deleted_at IS NULL, EXISTS (
    SELECT FROM modelhub_score AS score
    WHERE score.organization_id = %(organization_id)s AND score.source_id = %(source_id)s
        AND score.label_id = attached.label_id AND score.annotator_id = %(user_id)s
        AND score.queue_item = %(item_id)s AND score.deleted_at IS NULL
)
FROM modelhub_queuelabel AS attached
JOIN modelhub_label AS label ON label.organization_id = %(organization_id)s AND label.id = attached.label_id
WHERE attached.organization_id = %(organization_id)s AND attached.queue_id = %(queue_id)s
ORDER BY attached."order", attached.id
