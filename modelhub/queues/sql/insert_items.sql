-- Insert sources behind the last item of the queue. The caller holds the lock of the queue's row, and leaves out the
-- sources that the queue has: an anti-join here would search the whole queue for each row while statistics are old.
INSERT INTO modelhub_item (id, organization_id, created_at, updated_at, queue_id, source_id, "order", priority,
                           status, review_status, review_notes, gold, expected, is_assigned)
SELECT given.id, %(organization_id)s, %(now)s, %(now)s, %(queue_id)s, given.source_id,
       coalesce((
           SELECT max("order") FROM modelhub_item
           WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s AND deleted_at IS NULL
               AND created_at > '-infinity'
       ), 0) + given.number,
       coalesce(given.priority, 0), 'pending', '', '', coalesce(given.gold, false), coalesce(given.expected, '{}'),
       %(is_assigned)s
FROM ROWS FROM (
    json_to_recordset(%(rows)s::json) AS (id uuid, source_id uuid, priority integer, gold boolean, expected jsonb)
) WITH ORDINALITY AS given (id, source_id, priority, gold, expected, number)
