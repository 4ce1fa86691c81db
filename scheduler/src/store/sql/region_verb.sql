WITH seen AS MATERIALIZED (
    SELECT region, verb, verb_reason, verb_by, verb_at, drain_until
    FROM region_states
    WHERE region = $1::TEXT AND verb = $2::TEXT AND verb_at = $3::TIMESTAMPTZ
    FOR UPDATE
), set_to AS (
    UPDATE region_states
    SET verb = $4::TEXT, verb_reason = $5::TEXT, verb_by = $6::TEXT, verb_at = now(),
        drain_until = CASE WHEN $7::INT8 IS NULL THEN NULL ELSE now() + $7::INT8 * '1 millisecond'::INTERVAL END
    FROM seen
    WHERE region_states.region = seen.region
    RETURNING region_states.region, region_states.verb, region_states.verb_at, region_states.drain_until
), noted AS (
    INSERT INTO control_events (at, actor, action, subject, reason, before, after)
    SELECT now(), $6::TEXT, 'region_verb', seen.region, $5::TEXT,
        jsonb_build_object('verb', seen.verb, 'reason', seen.verb_reason, 'by', seen.verb_by, 'at', seen.verb_at,
            'drain_until', seen.drain_until),
        jsonb_build_object('verb', set_to.verb, 'drain_until', set_to.drain_until)
    FROM seen CROSS JOIN set_to
    RETURNING id
)
SELECT set_to.verb, set_to.verb_at, set_to.drain_until FROM set_to CROSS JOIN noted
