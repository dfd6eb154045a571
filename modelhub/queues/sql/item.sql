-- A live item of a queue, locked, with the names of its source.
SELECT item.*, source.source_type AS type_of_source, source.source_id AS name_of_source, source.source_key AS key_of_source
FROM modelhub_item AS item
JOIN modelhub_source AS source ON source.organization_id = %(organization_id)s AND source.id = item.source_id
WHERE item.organization_id = %(organization_id)s AND item.queue_id = %(queue_id)s AND item.id = %(item_id)s
    AND item.deleted_at IS NULL
FOR NO KEY UPDATE OF item
