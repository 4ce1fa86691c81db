SELECT d.id, d.epoch, d.session_id, d.outcome_digest, d.region, d.specialization, d.submitted_at, d.leased_at,
       d.finished_at, d.of_drill
FROM done AS d
