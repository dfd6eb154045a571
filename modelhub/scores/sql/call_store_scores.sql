SELECT * FROM modelhub_store_scores_v3(
    %(labels_version)s, %(organization_id)s, %(source_type)s, %(source_key)s, %(annotator_id)s,
    %(queue_item)s, %(queue_id)s, %(ids)s, %(label_ids)s, %(contents)s
)
