WITH set_to AS (
    UPDATE region_states
    SET health = $4::TEXT, health_at = now(), health_by = $5::TEXT, returned_at = $7::TIMESTAMPTZ
    WHERE region = $1::TEXT AND health = $2::TEXT AND health_at = $3::TIMESTAMPTZ
    RETURNING region, health_at
), noted AS (
    INSERT INTO control_events (at, actor, action, subject, reason, before, after)
    SELECT now(), $5::TEXT, 'region_health', set_to.region, $6::TEXT,
        jsonb_build_object('health', $2::TEXT, 'at', $3::TIMESTAMPTZ),
        jsonb_build_object('health', $4::TEXT)
    FROM set_to
    RETURNING id
)
SELECT set_to.health_at FROM set_to CROSS JOIN noted
