-- A queue, locked, with the roles of a person in it. `deleted` of null: it may be deleted or not.
SELECT queue.*, member.roles AS held_roles
FROM modelhub_queue AS queue
LEFT JOIN modelhub_queuemember AS member ON member.organization_id = %(organization_id)s
    AND member.queue_id = %(queue_id)s AND member.user_id = %(user_id)s
WHERE queue.organization_id = %(organization_id)s AND queue.id = %(queue_id)s
    AND (queue.deleted_at IS NOT NULL) = coalesce(%(deleted)s::boolean, queue.deleted_at IS NOT NULL)
FOR NO KEY UPDATE OF queue
