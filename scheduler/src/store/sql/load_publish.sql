INSERT INTO pool_loads
    (crdb_region, region, specialization, sessions, slots, leased, queued, unmet, service_us, alive_at, at)
SELECT $1::TEXT::crdb_internal_region, $2::TEXT, p.specialization, p.sessions, p.slots, p.leased, p.queued, p.unmet,
    p.service_us, p.alive_at, now()
FROM unnest($3::TEXT[], $4::INT8[], $5::INT8[], $6::INT8[], $7::INT8[], $8::INT8[], $9::INT8[], $10::TIMESTAMPTZ[])
    AS p (specialization, sessions, slots, leased, queued, unmet, service_us, alive_at)
ON CONFLICT (crdb_region, region, specialization) DO UPDATE
SET sessions = excluded.sessions, slots = excluded.slots, leased = excluded.leased, queued = excluded.queued,
    unmet = excluded.unmet, at = excluded.at,
    service_us = CASE WHEN excluded.service_us > 0 THEN excluded.service_us ELSE pool_loads.service_us END,
    alive_at = CASE
        WHEN excluded.alive_at IS NULL THEN pool_loads.alive_at
        WHEN pool_loads.alive_at > excluded.alive_at THEN pool_loads.alive_at
        ELSE excluded.alive_at END
