-- Calls an open mission off, whoever holds it.
-- $1 home  $2 mission  $3 submitter that it must be of, null = anyone's  $4 actor  $5 why, as JSON
WITH before AS MATERIALIZED (
    SELECT m.id, m.state, m.epoch, m.session_id
    FROM missions AS m
    WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = $2::UUID
      AND m.state IN ('pending', 'queued', 'leased') AND ($3::TEXT IS NULL OR m.submitter = $3::TEXT)
    FOR UPDATE
),
moved AS (
    UPDATE missions AS m
    SET state = 'cancelled', epoch = m.epoch + 1, reason = 'cancelled', session_id = NULL, grant_seq = NULL,
        run_until = NULL, finished_at = now(), finished_by = $4::TEXT
    FROM before AS b
    WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = b.id
      AND m.state IN ('pending', 'queued', 'leased') AND m.epoch = b.epoch
    RETURNING m.id, b.state AS from_state, m.epoch, b.session_id, m.region
)
INSERT INTO mission_events
    (crdb_region, mission_id, at, from_state, to_state, epoch, session_id, actor, reason, region, detail)
SELECT $1::TEXT::crdb_internal_region, d.id, now(), d.from_state, 'cancelled', d.epoch, d.session_id, $4::TEXT,
       'cancelled', d.region, $5::TEXT::JSONB
FROM moved AS d
RETURNING mission_id
