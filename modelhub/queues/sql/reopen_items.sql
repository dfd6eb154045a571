-- Slots that were completed without a score by the label are submitted again; completed items of theirs, and items in
-- review, are in progress again. Returns the ids of those items. The items are locked.
WITH returned AS (
    UPDATE modelhub_slot AS slot
    SET state = 'submitted', ended_at = NULL, updated_at = clock_timestamp(),
        reserved_until = clock_timestamp() + %(reservation)s
    FROM modelhub_item AS item
    WHERE item.organization_id = %(organization_id)s AND item.id = ANY(%(item_ids)s) AND slot.item_id = item.id
        AND slot.organization_id = %(organization_id)s AND slot.state = 'completed'
        AND NOT EXISTS (
            SELECT FROM modelhub_score AS score
            WHERE score.organization_id = %(organization_id)s AND score.source_id = item.source_id
                AND score.label_id = %(label_id)s AND score.annotator_id = slot.user_id
                AND score.queue_item = item.id AND score.deleted_at IS NULL
        )
    RETURNING item.id
)
UPDATE modelhub_item AS item
SET status = 'in_progress', review_status = '', completed_at = NULL, updated_at = clock_timestamp(),
    reviewed_by_id = NULL, reviewed_at = NULL, review_notes = ''
WHERE item.organization_id = %(organization_id)s AND item.id IN (SELECT id FROM returned)
    AND (item.status = 'completed' OR item.review_status = 'pending_review')
RETURNING item.id
