-- The slots of an item, with whether each holds on: a reservation ends by the clock of the database.
SELECT slot.*, state = 'completed' OR state IN ('reserved', 'submitted') AND reserved_until > clock_timestamp() AS is_live
FROM modelhub_slot AS slot WHERE organization_id = %(organization_id)s AND item_id = %(item_id)s
