-- The first item that a person may take, locked: own open work, returned one first; items that are assigned to the
-- person; those of nobody; skipped ones. A part is read only if those before it have no item.
-- Own ended work is passed over by a look for each item, or by one hash of many ids, but not too many for `work_mem`.
-- Where one person completes an item, only skips are passed over.
WITH ended AS MATERIALIZED (
    SELECT item_id FROM modelhub_slot
    WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s AND user_id = %(user_id)s
        AND state IN ('completed', 'skipped')
    LIMIT %(many)s + 1
), size AS MATERIALIZED (
    SELECT count(*) BETWEEN %(few)s + 1 AND %(many)s AS is_large FROM ended
)
SELECT * FROM (
    SELECT item.* FROM modelhub_slot AS own
    JOIN modelhub_item AS item ON item.organization_id = %(organization_id)s AND item.id = own.item_id
    WHERE own.organization_id = %(organization_id)s AND own.queue_id = %(queue_id)s AND own.user_id = %(user_id)s
        AND own.state IN ('reserved', 'submitted')
        AND item.deleted_at IS NULL AND item.id <> ALL(%(exclude)s::uuid[])
        AND item.status IN ('pending', 'in_progress', 'skipped') AND item.review_status <> 'pending_review'
        -- Managers go on with items that are assigned to others, or have no seat left for them.
        AND (%(manages)s OR (NOT item.is_assigned OR EXISTS (
            SELECT FROM modelhub_assignment
            WHERE organization_id = %(organization_id)s AND item_id = item.id AND user_id = %(user_id)s
        )) AND (own.seat IS NOT NULL OR NOT EXISTS (
            SELECT FROM modelhub_slot
            WHERE organization_id = %(organization_id)s AND item_id = item.id AND seat IS NOT NULL
                AND (state = 'completed' OR state IN ('reserved', 'submitted') AND reserved_until > clock_timestamp())
            OFFSET %(annotations_required)s - 1
        )))
    ORDER BY own.state = 'submitted' AND own.returned_at IS NOT NULL DESC, item.priority DESC, item."order"
    LIMIT 1 FOR NO KEY UPDATE OF item SKIP LOCKED
) AS own_open UNION ALL SELECT * FROM (
    -- In a queue of which each person has a part, one of the first items is the person's.
    SELECT item.* FROM (
        SELECT id FROM modelhub_item
        WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s AND deleted_at IS NULL AND is_assigned
            AND status IN ('pending', 'in_progress') AND NOT review_status = 'pending_review'
        ORDER BY priority DESC, "order" LIMIT 200
    ) AS early
    JOIN modelhub_item AS item ON item.organization_id = %(organization_id)s AND item.id = early.id
    JOIN modelhub_assignment AS own ON own.organization_id = %(organization_id)s AND own.item_id = early.id
        AND own.user_id = %(user_id)s
    WHERE item.deleted_at IS NULL AND item.is_assigned AND item.id <> ALL(%(exclude)s::uuid[])
        AND item.status IN ('pending', 'in_progress') AND item.review_status <> 'pending_review'
        AND NOT EXISTS (
            SELECT FROM modelhub_slot
            WHERE organization_id = %(organization_id)s AND item_id = item.id AND user_id = %(user_id)s
                AND state IN ('completed', 'skipped')
            OFFSET 0
        )
        AND NOT EXISTS (
            SELECT FROM modelhub_slot
            WHERE organization_id = %(organization_id)s AND item_id = item.id AND seat IS NOT NULL
                AND (state = 'completed' OR state IN ('reserved', 'submitted') AND reserved_until > clock_timestamp())
            OFFSET %(annotations_required)s - 1
        )
    ORDER BY item.priority DESC, item."order"
    LIMIT 1 FOR NO KEY UPDATE OF item SKIP LOCKED
) AS early_assigned UNION ALL SELECT * FROM (
    SELECT item.* FROM modelhub_assignment AS own
    JOIN modelhub_item AS item ON item.organization_id = %(organization_id)s AND item.id = own.item_id
    WHERE own.organization_id = %(organization_id)s AND own.queue_id = %(queue_id)s AND own.user_id = %(user_id)s
        AND item.deleted_at IS NULL AND item.is_assigned AND item.id <> ALL(%(exclude)s::uuid[])
        AND item.status IN ('pending', 'in_progress') AND item.review_status <> 'pending_review'
        AND CASE WHEN (SELECT is_large FROM size)
            THEN own.item_id NOT IN (SELECT item_id FROM ended)
            ELSE NOT EXISTS (
                SELECT FROM modelhub_slot
                WHERE organization_id = %(organization_id)s AND item_id = own.item_id AND user_id = %(user_id)s
                    AND state IN ('completed', 'skipped')
                OFFSET 0
            ) END
        AND NOT EXISTS (
            SELECT FROM modelhub_slot
            WHERE organization_id = %(organization_id)s AND item_id = item.id AND seat IS NOT NULL
                AND (state = 'completed' OR state IN ('reserved', 'submitted') AND reserved_until > clock_timestamp())
            OFFSET %(annotations_required)s - 1
        )
    ORDER BY item.priority DESC, item."order"
    LIMIT 1 FOR NO KEY UPDATE OF item SKIP LOCKED
) AS assigned UNION ALL SELECT * FROM (
    SELECT item.* FROM modelhub_item AS item
    WHERE item.organization_id = %(organization_id)s AND item.queue_id = %(queue_id)s
        AND item.deleted_at IS NULL AND NOT item.is_assigned AND item.id <> ALL(%(exclude)s::uuid[])
        AND item.status IN ('pending', 'in_progress') AND NOT item.review_status = 'pending_review'
        AND CASE WHEN %(annotations_required)s > 1 AND (SELECT is_large FROM size)
            THEN item.id NOT IN (SELECT item_id FROM ended)
            ELSE NOT EXISTS (
                SELECT FROM modelhub_slot
                WHERE organization_id = %(organization_id)s AND item_id = item.id AND user_id = %(user_id)s
                    AND state IN ('completed', 'skipped')
                OFFSET 0
            ) END
        AND NOT EXISTS (
            SELECT FROM modelhub_slot
            WHERE organization_id = %(organization_id)s AND item_id = item.id AND seat IS NOT NULL
                AND (state = 'completed' OR state IN ('reserved', 'submitted') AND reserved_until > clock_timestamp())
            OFFSET %(annotations_required)s - 1
        )
    ORDER BY item.priority DESC, item."order"
    LIMIT 1 FOR NO KEY UPDATE OF item SKIP LOCKED
) AS of_nobody UNION ALL SELECT * FROM (
    SELECT item.* FROM modelhub_item AS item
    WHERE item.organization_id = %(organization_id)s AND item.queue_id = %(queue_id)s
        AND item.deleted_at IS NULL AND item.status = 'skipped' AND item.id <> ALL(%(exclude)s::uuid[])
        AND CASE WHEN (SELECT is_large FROM size)
            THEN item.id NOT IN (SELECT item_id FROM ended)
            ELSE NOT EXISTS (
                SELECT FROM modelhub_slot
                WHERE organization_id = %(organization_id)s AND item_id = item.id AND user_id = %(user_id)s
                    AND state IN ('completed', 'skipped')
                OFFSET 0
            ) END
        AND (NOT item.is_assigned OR EXISTS (
            SELECT FROM modelhub_assignment
            WHERE organization_id = %(organization_id)s AND item_id = item.id AND user_id = %(user_id)s
        ))
        AND NOT EXISTS (
            SELECT FROM modelhub_slot
            WHERE organization_id = %(organization_id)s AND item_id = item.id AND seat IS NOT NULL
                AND (state = 'completed' OR state IN ('reserved', 'submitted') AND reserved_until > clock_timestamp())
            OFFSET %(annotations_required)s - 1
        )
    ORDER BY item.priority DESC, item."order"
    LIMIT 1 FOR NO KEY UPDATE OF item SKIP LOCKED
) AS skipped
LIMIT 1
