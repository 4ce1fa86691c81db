-- Submits a failed or cancelled mission again, placed anew; it may move to another home.
-- $1 home  $2 mission  $3 epoch that was read  $4 new home  $5 state  $6 region  $7 rank  $8 round  $9 topology version
-- $10 residency version  $11 nonce  $12 placement  $13 reason  $14 actor  $15 start by
WITH before AS MATERIALIZED (
    SELECT m.id, m.state, m.epoch
    FROM missions AS m
    WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = $2::UUID
      AND m.state IN ('failed', 'cancelled') AND m.epoch = $3::INT8
    FOR UPDATE
),
moved AS (
    UPDATE missions AS m
    SET crdb_region = $4::TEXT::crdb_internal_region, state = $5::TEXT, region = $6::TEXT, rank = $7::INT8,
        round = $8::INT8, topology_version = $9::INT8, residency_version = $10::INT8, nonce = $11::INT8,
        placement = $12::TEXT, reason = COALESCE($13::TEXT, 'retried'), epoch = m.epoch + 1, attempts = 0, crashes = 0,
        not_before = '1970-01-01 00:00:00+00', start_by = $15::TIMESTAMPTZ, session_id = NULL, grant_seq = NULL,
        run_until = NULL, progress = NULL, outcome = NULL, outcome_digest = NULL, finished_at = NULL,
        finished_by = NULL, leased_at = NULL, leased_by = NULL,
        placed_at = CASE WHEN $6::TEXT IS NULL THEN NULL ELSE now() END,
        placed_by = CASE WHEN $6::TEXT IS NULL THEN NULL ELSE $14::TEXT END
    FROM before AS b
    WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = b.id
      AND m.state IN ('failed', 'cancelled') AND m.epoch = b.epoch
      AND (SELECT v.residency_version FROM topology_versions AS v ORDER BY v.version DESC LIMIT 1) = $10::INT8
    RETURNING m.id, b.state AS from_state, m.state, m.epoch, m.region
)
INSERT INTO mission_events
    (crdb_region, mission_id, at, from_state, to_state, epoch, actor, reason, region, placement)
SELECT $4::TEXT::crdb_internal_region, d.id, now(), d.from_state, d.state, d.epoch, $14::TEXT, 'retried', d.region,
       $12::TEXT::JSONB
FROM moved AS d
RETURNING mission_id
