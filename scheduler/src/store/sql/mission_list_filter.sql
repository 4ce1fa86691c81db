FROM missions AS m
WHERE m.crdb_region = $1::TEXT::crdb_internal_region
  AND m.id < $2::UUID
  AND ($3::TEXT IS NULL OR m.state = $3::TEXT)
  AND ($4::TEXT IS NULL OR m.region = $4::TEXT)
  AND ($5::TEXT IS NULL OR m.specialization = $5::TEXT)
  AND ($6::TEXT IS NULL OR m.drill = $6::TEXT)
ORDER BY m.id DESC
LIMIT $7::INT8
