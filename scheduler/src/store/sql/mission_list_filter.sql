FROM missions AS m
WHERE m.crdb_region = $1::TEXT::crdb_internal_region
  AND (m.submitted_at, m.id) < ($2::TIMESTAMPTZ, $3::UUID)
  AND ($4::TEXT IS NULL OR m.state = $4::TEXT)
  AND ($5::TEXT IS NULL OR m.region = $5::TEXT)
  AND ($6::TEXT IS NULL OR m.specialization = $6::TEXT)
  AND ($7::TEXT IS NULL OR m.drill = $7::TEXT)
ORDER BY m.submitted_at DESC, m.id DESC
LIMIT $8::INT8
