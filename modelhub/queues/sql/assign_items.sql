-- The turns are positions in the list of people, `per_item` for each item in the items' order.
INSERT INTO modelhub_assignment (id, organization_id, created_at, queue_id, item_id, user_id)
SELECT turn.id, %(organization_id)s, %(now)s, %(queue_id)s,
       (given.item_ids)[(turn.number - 1) / %(per_item)s + 1], (given.user_ids)[turn.person + 1]
FROM (SELECT %(item_ids)s::uuid[] AS item_ids, %(user_ids)s::uuid[] AS user_ids) AS given,
     ROWS FROM (unnest(%(ids)s::uuid[]), unnest(%(turns)s::integer[])) WITH ORDINALITY AS turn (id, person, number)
ON CONFLICT ON CONSTRAINT assignment_is_unique DO NOTHING
