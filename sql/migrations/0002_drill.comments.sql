-- What the new column holds, on both engines.

COMMENT ON COLUMN missions.drill IS 'Run of the drill that submitted it; null = work. Statistics and memory leave drills out.';
