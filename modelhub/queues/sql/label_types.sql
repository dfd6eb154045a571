-- The types of a queue's labels by id, without deleted labels.
SELECT label.id::text, label.type FROM modelhub_queuelabel AS attached
JOIN modelhub_label AS label
    ON label.organization_id = %(organization_id)s AND label.id = attached.label_id AND label.deleted_at IS NULL
WHERE attached.organization_id = %(organization_id)s AND attached.queue_id = %(queue_id)s
