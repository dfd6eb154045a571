-- The live items of a queue that a person has ended between two times, the last one first. Each state is read in the order
-- of the index of slots by user: both together would be sorted.
SELECT ended.* FROM unnest(ARRAY['completed', 'skipped']) AS part (state) CROSS JOIN LATERAL (
    SELECT slot.item_id, coalesce(nullif(source.name, ''), source.source_id), slot.state, slot.ended_at,
        item.status, item.review_status, item.reviewed_at, item.is_assigned
    FROM modelhub_slot AS slot
    JOIN modelhub_item AS item ON item.organization_id = %(organization_id)s AND item.id = slot.item_id
        AND item.deleted_at IS NULL
    JOIN modelhub_source AS source ON source.organization_id = %(organization_id)s AND source.id = item.source_id
    WHERE slot.organization_id = %(organization_id)s AND slot.queue_id = %(queue_id)s
        AND slot.user_id = %(user_id)s AND slot.state = part.state
        AND slot.ended_at > coalesce(%(after)s::timestamptz, '-infinity')
        AND slot.ended_at < coalesce(%(before)s::timestamptz, 'infinity')
    ORDER BY slot.ended_at DESC LIMIT %(limit)s
) AS ended
ORDER BY ended_at DESC LIMIT %(limit)s
