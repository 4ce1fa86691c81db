-- Puts leased missions of one home back into their queue, nothing is charged: handed back by the holder, or not named
-- by the heartbeat $7 of it, which must be two beyond the one the grant saw ($7 null = handed back).
-- State and session are compared as by mission_complete.
-- $1 home  $2.. one array a column
WITH moved AS (
    UPDATE missions AS m
    SET state = 'queued', epoch = m.epoch + 1, moves = m.moves + 1, session_id = NULL, grant_seq = NULL,
        run_until = NULL, progress = NULL, reason = w.reason
    FROM unnest($2::UUID[], $3::INT8[], $4::UUID[], $5::TEXT[], $6::TEXT[], $7::INT8[])
        AS w (id, epoch, session_id, reason, actor, seq)
    WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = ANY ($2::UUID[]) AND m.id = w.id
      AND m.state || '' = 'leased' AND m.epoch = w.epoch AND m.session_id IS NOT DISTINCT FROM w.session_id
      AND (w.seq IS NULL OR m.grant_seq + 2 <= w.seq)
    RETURNING m.id, m.epoch, w.epoch AS lease_epoch, w.session_id AS lease_session, w.actor, m.reason, m.region,
              m.specialization
),
noted AS (
    INSERT INTO mission_events
        (crdb_region, mission_id, at, from_state, to_state, epoch, session_id, actor, reason, region)
    SELECT $1::TEXT::crdb_internal_region, d.id, now(), 'leased', 'queued', d.epoch, d.lease_session, d.actor, d.reason,
           d.region
    FROM moved AS d
    RETURNING mission_id
)
SELECT d.id, d.epoch, d.lease_epoch, d.lease_session, d.region, d.specialization
FROM moved AS d
