m.crdb_region::TEXT AS home, m.id, m.state, m.specialization, m.submitter, m.title, m.payload,
       m.origin, m.residency, m.priority, m.rank, m.round, m.region, m.epoch, m.attempts, m.crashes,
       m.moves, m.max_attempts, m.max_crashes, m.run_limit_ms, m.not_before, m.start_by, m.session_id, m.grant_seq,
       m.run_until, m.nonce, m.reason, m.progress::TEXT AS progress, m.outcome::TEXT AS outcome, m.outcome_digest,
       m.placement, m.submitted_at, m.placed_at, m.leased_at, m.finished_at, m.placed_by,
       m.leased_by, m.finished_by, m.drill
