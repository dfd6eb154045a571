-- The number of the advisory lock between requests that judge by labels and requests that change labels: the last
-- eight bytes of the organization's id.
CREATE FUNCTION modelhub_labels_lock_v1(organization uuid) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ('x' || right(replace(organization::text, '-', ''), 16))::bit(64)::bigint
$$
