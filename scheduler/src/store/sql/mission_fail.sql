-- Charges an attempt to leased missions of one home: back to their queue after a pause that doubles with every
-- attempt, or failed for good. A failed mission keeps the session and epoch that ended it, so that the same failure can
-- be answered again.
-- State and session are compared as by mission_complete.
-- $1 home  $2.. one array a column  $9 first pause, $10 longest pause, in milliseconds
WITH moved AS (
    UPDATE missions AS m
    SET state = CASE WHEN w.final OR m.attempts + 1 >= m.max_attempts THEN 'failed' ELSE 'queued' END,
        epoch = CASE WHEN w.final OR m.attempts + 1 >= m.max_attempts THEN m.epoch ELSE m.epoch + 1 END,
        session_id = CASE WHEN w.final OR m.attempts + 1 >= m.max_attempts THEN m.session_id END,
        finished_at = CASE WHEN w.final OR m.attempts + 1 >= m.max_attempts THEN now() END,
        finished_by = CASE WHEN w.final OR m.attempts + 1 >= m.max_attempts THEN w.actor END,
        outcome = CASE WHEN w.final OR m.attempts + 1 >= m.max_attempts THEN w.detail::JSONB END,
        outcome_digest = CASE WHEN w.final OR m.attempts + 1 >= m.max_attempts THEN w.digest END,
        attempts = m.attempts + 1, reason = w.reason, grant_seq = NULL, run_until = NULL, progress = NULL,
        not_before = now() + LEAST($10::INT8, $9::INT8 << LEAST(m.attempts, 20)) * INTERVAL '1 millisecond'
    FROM (SELECT v.id, v.epoch, v.session_id, v.reason, v.detail, v.digest, v.actor, v.final = 1 AS final
          FROM unnest($2::UUID[], $3::INT8[], $4::UUID[], $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $11::INT8[])
              AS v (id, epoch, session_id, reason, detail, digest, actor, final)) AS w
    WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = ANY ($2::UUID[]) AND m.id = w.id
      AND m.state || '' = 'leased' AND m.epoch = w.epoch AND m.session_id IS NOT DISTINCT FROM w.session_id
    RETURNING m.id, m.state, m.epoch, w.epoch AS lease_epoch, w.session_id AS lease_session, w.digest, w.detail,
              w.actor, m.reason, m.region, m.specialization, m.drill IS NOT NULL AS of_drill
),
noted AS (
    INSERT INTO mission_events
        (crdb_region, mission_id, at, from_state, to_state, epoch, session_id, actor, reason, region, detail)
    SELECT $1::TEXT::crdb_internal_region, d.id, now(), 'leased', d.state, d.epoch, d.lease_session, d.actor, d.reason,
           d.region, d.detail::JSONB
    FROM moved AS d
    RETURNING mission_id
)
