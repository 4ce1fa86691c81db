-- Missions of drills, on PostgreSQL.

ALTER TABLE missions ADD COLUMN IF NOT EXISTS drill text;
