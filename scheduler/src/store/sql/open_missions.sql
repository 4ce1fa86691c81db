-- Open missions of pools in one home; waiting ones are counted up to a bound.
-- $1 home  $2 regions  $3 specializations  $4 bound
WITH held AS MATERIALIZED (
    SELECT m.region, m.specialization, count(*) AS leased
    FROM missions AS m
    WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.state = 'leased' AND m.region = ANY ($2::TEXT[])
    GROUP BY m.region, m.specialization
)
SELECT p.region, p.specialization,
    (
        SELECT count(*) FROM (
            SELECT m.id FROM missions AS m
            WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.state = 'queued'
                AND m.region = p.region AND m.specialization = p.specialization
            LIMIT $4::INT8
        ) AS q
    ) AS queued,
    coalesce((
        SELECT held.leased FROM held WHERE held.region = p.region AND held.specialization = p.specialization
    ), 0) AS leased
FROM unnest($2::TEXT[], $3::TEXT[]) AS p (region, specialization)
