-- Delete a queue with all rows of it. No score names its items any more.
WITH items AS MATERIALIZED (
    SELECT id FROM modelhub_item WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s
), reviews AS (
    DELETE FROM modelhub_review WHERE organization_id = %(organization_id)s AND item_id IN (SELECT id FROM items)
), adjudications AS (
    DELETE FROM modelhub_adjudication WHERE organization_id = %(organization_id)s AND item_id IN (SELECT id FROM items)
), slots AS (
    DELETE FROM modelhub_slot WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s
), assignments AS (
    DELETE FROM modelhub_assignment WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s
), members AS (
    DELETE FROM modelhub_queuemember WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s
), labels AS (
    DELETE FROM modelhub_queuelabel WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s
), removed AS (
    DELETE FROM modelhub_item WHERE organization_id = %(organization_id)s AND id IN (SELECT id FROM items)
)
DELETE FROM modelhub_queue WHERE organization_id = %(organization_id)s AND id = %(queue_id)s
