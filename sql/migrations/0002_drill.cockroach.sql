-- Missions of drills, on CockroachDB.

ALTER TABLE missions ADD COLUMN IF NOT EXISTS drill text;
