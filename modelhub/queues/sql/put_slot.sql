-- Store a person's slot on an item and return it. A reservation begins now, and never shortens that of returned work; a
-- completion ends a request for changes. Notes of null leave the stored ones. The item is locked.
INSERT INTO modelhub_slot AS slot
    (id, organization_id, created_at, updated_at, queue_id, item_id, user_id, state, seat, reserved_until, ended_at,
     skip_reason, notes)
SELECT %(id)s, %(organization_id)s, moment, moment, %(queue_id)s, %(item_id)s, %(user_id)s, %(state)s::text, %(seat)s,
       CASE WHEN %(state)s::text IN ('reserved', 'submitted') THEN moment + %(reservation)s::interval END,
       CASE WHEN %(state)s::text IN ('completed', 'skipped') THEN moment END,
       %(skip_reason)s, coalesce(%(notes)s::text, '')
FROM clock_timestamp() AS moment
ON CONFLICT ON CONSTRAINT slot_is_unique DO UPDATE SET
    updated_at = excluded.updated_at, state = excluded.state, seat = excluded.seat,
    reserved_until = CASE WHEN excluded.state IN ('reserved', 'submitted') THEN
        greatest(excluded.reserved_until, CASE WHEN slot.returned_at IS NOT NULL THEN slot.reserved_until END) END,
    ended_at = excluded.ended_at, skip_reason = excluded.skip_reason,
    notes = coalesce(%(notes)s::text, slot.notes),
    returned_at = CASE WHEN excluded.state <> 'completed' THEN slot.returned_at END
WHERE slot.organization_id = %(organization_id)s
RETURNING slot.*
