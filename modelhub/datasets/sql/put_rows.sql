-- Store rows of a locked dataset: those of items that have one are updated in their columns, the others come last.
WITH given AS (
    SELECT * FROM json_to_recordset(%(rows)s::json)
        AS given(id uuid, number integer, queue_item uuid, cells jsonb, metadata jsonb)
), updated AS (
    UPDATE modelhub_datasetrow AS stored
    SET cells = (stored.cells - %(columns)s::text[]) || given.cells, metadata = given.metadata
    FROM given
    WHERE stored.organization_id = %(organization_id)s AND stored.dataset_id = %(dataset_id)s
        AND stored.queue_item = given.queue_item
    RETURNING stored.queue_item
)
INSERT INTO modelhub_datasetrow (id, organization_id, dataset_id, position, queue_item, cells, metadata, created_at)
SELECT id, %(organization_id)s, %(dataset_id)s, %(last)s + row_number() OVER (ORDER BY number), queue_item, cells,
       metadata, %(now)s
FROM given WHERE NOT EXISTS (SELECT FROM updated WHERE updated.queue_item = given.queue_item)
