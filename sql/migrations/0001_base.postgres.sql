-- The base schema on PostgreSQL. One DDL a step, each idempotent; see README.md of this folder's crate.
-- crdb_internal_region is created by the migrator before the first step, as a domain over text.

CREATE TABLE IF NOT EXISTS missions (
    crdb_region crdb_internal_region NOT NULL,
    id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'queued', 'leased', 'succeeded', 'failed', 'cancelled')),
    specialization text NOT NULL,
    submitter text NOT NULL,
    counted bool NOT NULL DEFAULT false,
    title text NOT NULL,
    payload text NOT NULL,
    origin text NOT NULL,
    residency text,
    priority int4 NOT NULL,
    rank int8 NOT NULL,
    round int8 NOT NULL,
    region text,
    epoch int8 NOT NULL,
    attempts int4 NOT NULL,
    crashes int4 NOT NULL,
    moves int4 NOT NULL,
    max_attempts int4 NOT NULL,
    max_crashes int4 NOT NULL,
    run_limit_ms int8 NOT NULL,
    not_before timestamptz NOT NULL,
    start_by timestamptz,
    session_id uuid,
    grant_seq int8,
    run_until timestamptz,
    topology_version int8 NOT NULL,
    residency_version int8 NOT NULL,
    nonce int8 NOT NULL,
    placement text,
    reason text,
    progress jsonb,
    outcome jsonb,
    outcome_digest text,
    traceparent text,
    submitted_at timestamptz NOT NULL,
    placed_at timestamptz,
    leased_at timestamptz,
    finished_at timestamptz,
    placed_by text,
    leased_by text,
    finished_by text,
    PRIMARY KEY (crdb_region, id)
);

-- Claims: what waits in a pool, in the order of its queue.
CREATE INDEX IF NOT EXISTS missions_queue
    ON missions (crdb_region, region, specialization, rank, round, submitted_at, id)
    WHERE state = 'queued';

-- Claims of missions that have crashed their holders and are granted alone; nearly always empty.
CREATE INDEX IF NOT EXISTS missions_alone
    ON missions (crdb_region, region, specialization, submitted_at, id)
    WHERE state = 'queued' AND crashes >= 2;

-- Open missions of a submitter, where their number is limited; without a limit nothing is kept here. Not by state: a
-- claim could then go by this index.
CREATE INDEX IF NOT EXISTS missions_open
    ON missions (crdb_region, submitter)
    WHERE counted AND finished_at IS NULL;

-- Heartbeats, capacity, sessions' ends, run limits: what a session holds, and what of it has run longest.
CREATE INDEX IF NOT EXISTS missions_leased
    ON missions (crdb_region, session_id, run_until)
    WHERE state = 'leased';

-- Retry of what could not be placed.
CREATE INDEX IF NOT EXISTS missions_pending
    ON missions (crdb_region, submitted_at, id)
    WHERE state = 'pending';

-- Open missions under a residency rule that were decided under an older residency version.
CREATE INDEX IF NOT EXISTS missions_bound
    ON missions (crdb_region, residency_version, id)
    WHERE residency IS NOT NULL AND state IN ('pending', 'queued', 'leased');

-- Missions that wait longer than their start_by.
CREATE INDEX IF NOT EXISTS missions_start_by
    ON missions (crdb_region, start_by)
    WHERE state IN ('pending', 'queued') AND start_by IS NOT NULL;

-- Retention.
CREATE INDEX IF NOT EXISTS missions_finished
    ON missions (crdb_region, finished_at)
    WHERE state IN ('succeeded', 'failed', 'cancelled');

CREATE TABLE IF NOT EXISTS mission_events (
    crdb_region crdb_internal_region NOT NULL,
    mission_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    at timestamptz NOT NULL,
    from_state text,
    to_state text NOT NULL,
    epoch int8 NOT NULL,
    session_id uuid,
    actor text NOT NULL,
    reason text,
    region text,
    placement jsonb,
    detail jsonb,
    PRIMARY KEY (crdb_region, mission_id, id)
);

CREATE TABLE IF NOT EXISTS submissions (
    crdb_region crdb_internal_region NOT NULL,
    submitter text NOT NULL,
    key text NOT NULL,
    digest text NOT NULL,
    mission_id uuid NOT NULL,
    mission_home text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (crdb_region, submitter, key)
);

CREATE INDEX IF NOT EXISTS submissions_created
    ON submissions (crdb_region, created_at);

CREATE TABLE IF NOT EXISTS sessions (
    crdb_region crdb_internal_region NOT NULL,
    id uuid NOT NULL,
    region text NOT NULL,
    agent text NOT NULL,
    version text NOT NULL,
    specializations text[] NOT NULL,
    slots int8[] NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by text,
    ended_reason text,
    settled_at timestamptz,
    PRIMARY KEY (crdb_region, id)
);

-- Live sessions of a region.
CREATE INDEX IF NOT EXISTS sessions_live
    ON sessions (crdb_region, region, id)
    WHERE ended_at IS NULL;

-- Ended sessions whose leases may not all have been moved yet.
CREATE INDEX IF NOT EXISTS sessions_unsettled
    ON sessions (crdb_region, ended_at)
    WHERE ended_at IS NOT NULL AND settled_at IS NULL;

CREATE TABLE IF NOT EXISTS heartbeats (
    crdb_region crdb_internal_region NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('session', 'scheduler')),
    region text NOT NULL,
    address text,
    version text,
    topology_version int8,
    seq int8 NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (crdb_region, id)
);

CREATE TABLE IF NOT EXISTS pool_loads (
    crdb_region crdb_internal_region NOT NULL,
    region text NOT NULL,
    specialization text NOT NULL,
    sessions int8 NOT NULL,
    slots int8 NOT NULL,
    leased int8 NOT NULL,
    queued int8 NOT NULL,
    unmet int8 NOT NULL,
    service_us int8 NOT NULL,
    alive_at timestamptz,
    at timestamptz NOT NULL,
    PRIMARY KEY (crdb_region, region, specialization)
);

CREATE TABLE IF NOT EXISTS duties (
    crdb_region crdb_internal_region NOT NULL,
    name text NOT NULL,
    holder uuid NOT NULL,
    epoch int8 NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (crdb_region, name)
);

CREATE TABLE IF NOT EXISTS topology_versions (
    version int8 NOT NULL PRIMARY KEY,
    text text NOT NULL,
    digest text NOT NULL,
    residency_version int8 NOT NULL,
    author text NOT NULL,
    message text NOT NULL,
    applied_at timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS region_states (
    region text NOT NULL PRIMARY KEY,
    verb text NOT NULL CHECK (verb IN ('none', 'cordoned', 'draining')),
    verb_reason text NOT NULL,
    verb_by text NOT NULL,
    verb_at timestamptz NOT NULL,
    drain_until timestamptz,
    health text NOT NULL CHECK (health IN ('up', 'suspect', 'down', 'returning', 'unknown')),
    health_at timestamptz NOT NULL,
    health_by text NOT NULL,
    returned_at timestamptz
);

CREATE TABLE IF NOT EXISTS control_events (
    id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    reason text NOT NULL,
    before jsonb,
    after jsonb
);

CREATE INDEX IF NOT EXISTS control_events_at ON control_events (at);

CREATE TABLE IF NOT EXISTS tokens (
    id uuid NOT NULL PRIMARY KEY,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('submitter', 'agent', 'operator', 'viewer')),
    region text,
    hash text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
