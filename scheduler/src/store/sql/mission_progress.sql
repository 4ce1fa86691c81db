-- Stores what holders say of their missions of one home. No transition.
-- State and session are compared as by mission_complete.
-- $1 home  $2.. one array a column
UPDATE missions AS m
SET progress = w.progress::JSONB
FROM unnest($2::UUID[], $3::INT8[], $4::UUID[], $5::TEXT[]) AS w (id, epoch, session_id, progress)
WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = ANY ($2::UUID[]) AND m.id = w.id
  AND m.state || '' = 'leased' AND m.epoch = w.epoch AND m.session_id IS NOT DISTINCT FROM w.session_id
RETURNING m.id, m.epoch, m.session_id
