SELECT d.id, d.state, d.epoch, d.lease_epoch, d.lease_session, d.digest, d.region, d.specialization,
       d.of_drill
FROM moved AS d
