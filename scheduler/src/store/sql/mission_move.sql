-- Writes transitions that were decided under a residency version; nothing at all where that is not the current one.
-- $1 home  $2 residency version  $3 topology version  $4 actor; then a row a mission: $5 id  $6 epoch before
-- $7 state before  $8 state after  $9 epoch after  $10 home after  $11 region after  $12 attempts  $13 crashes
-- $14 moves  $15 not before (none = as it was)  $16 reason  $17 placement (none = as it was)
-- $18 whether it is written to the history (0 or 1)  $19 who held it
WITH step AS MATERIALIZED (
    SELECT u.id, u.epoch, u.from_state, u.to_state, u.to_epoch, u.home, u.region, u.attempts, u.crashes, u.moves,
        u.not_before, u.reason, u.placement, u.event, u.holder
    FROM unnest($5::UUID[], $6::INT8[], $7::TEXT[], $8::TEXT[], $9::INT8[], $10::TEXT[], $11::TEXT[], $12::INT8[],
            $13::INT8[], $14::INT8[], $15::TIMESTAMPTZ[], $16::TEXT[], $17::TEXT[], $18::INT8[],
            $19::UUID[])
        AS u (id, epoch, from_state, to_state, to_epoch, home, region, attempts, crashes, moves, not_before, reason,
            placement, event, holder)
    WHERE $2::INT8 = (SELECT residency_version FROM topology_versions ORDER BY version DESC LIMIT 1)
), moved AS (
    UPDATE missions AS m
    SET crdb_region = step.home::crdb_internal_region,
        state = step.to_state,
        region = step.region,
        epoch = step.to_epoch,
        attempts = step.attempts::INT4,
        crashes = step.crashes::INT4,
        moves = step.moves::INT4,
        round = CASE WHEN step.from_state = 'leased' THEN 0 ELSE m.round END,
        session_id = NULL,
        grant_seq = NULL,
        run_until = NULL,
        progress = NULL,
        not_before = coalesce(step.not_before, m.not_before),
        topology_version = $3::INT8,
        residency_version = $2::INT8,
        placement = coalesce(step.placement, m.placement),
        reason = step.reason,
        placed_at = CASE WHEN step.to_state = 'queued' THEN now() ELSE m.placed_at END,
        placed_by = CASE WHEN step.to_state = 'queued' THEN $4::TEXT ELSE m.placed_by END,
        finished_at = CASE WHEN step.to_state = 'failed' THEN now() ELSE m.finished_at END,
        finished_by = CASE WHEN step.to_state = 'failed' THEN $4::TEXT ELSE m.finished_by END
    FROM step
    WHERE m.crdb_region = $1::TEXT::crdb_internal_region
        AND m.id = step.id AND m.epoch = step.epoch AND m.state = step.from_state
    RETURNING m.id, m.state, m.region, m.drill IS NOT NULL AS of_drill
), noted AS (
    INSERT INTO mission_events
        (crdb_region, mission_id, at, from_state, to_state, epoch, session_id, actor, reason, region,
            placement)
    SELECT step.home::crdb_internal_region, step.id, now(), step.from_state, step.to_state, step.to_epoch,
        step.holder, $4::TEXT, step.reason, step.region, step.placement::JSONB
    FROM moved JOIN step ON step.id = moved.id
    WHERE step.event = 1
    RETURNING id
)
SELECT moved.id, moved.state, moved.region, moved.of_drill FROM moved
