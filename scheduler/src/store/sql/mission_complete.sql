-- Ends leased missions of one home with their outcomes. The mission keeps the session and epoch that won, so that the
-- same completion can be answered again; its own times tell this transition.
-- State and session are compared so that the row is found by its key: by an index of what is leased, which looks empty to
-- a planner whose statistics are of a quiet hour, each row of the batch would read all leases. The ids are named twice for
-- the same reason: without statistics a planner takes a region for half a percent of the table, and reads all of it once
-- rather than look up a few hundred keys.
-- $1 home  $2.. one array a column
UPDATE missions AS m
SET state = 'succeeded', outcome = w.outcome::JSONB, outcome_digest = w.digest, reason = NULL, run_until = NULL,
    finished_at = now(), finished_by = w.actor
FROM unnest($2::UUID[], $3::INT8[], $4::UUID[], $5::TEXT[], $6::TEXT[], $7::TEXT[])
    AS w (id, epoch, session_id, outcome, digest, actor)
WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = ANY ($2::UUID[]) AND m.id = w.id
  AND m.state || '' = 'leased' AND m.epoch = w.epoch AND m.session_id IS NOT DISTINCT FROM w.session_id
RETURNING m.id, m.epoch, m.session_id, m.outcome_digest, m.region, m.specialization, m.submitted_at, m.leased_at,
          m.finished_at, m.drill IS NOT NULL AS of_drill
