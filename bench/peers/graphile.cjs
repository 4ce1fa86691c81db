// graphile-worker on the database of DATABASE_URL: enqueues and processes JOBS jobs together, and prints one JSON line.
// Usage: node graphile.cjs MODE JOBS CONCURRENCY    MODE: local-queue (batches of 500) or per-job
"use strict";

const { run, makeWorkerUtils } = require("graphile-worker");
const { Pool } = require("pg");

const BATCH = 500;
const [mode, jobsText, concurrencyText] = process.argv.slice(2);
const jobs = Number(jobsText);
const concurrency = Number(concurrencyText);
if (!["local-queue", "per-job"].includes(mode) || !(jobs > 0) || !(concurrency > 0)) {
  process.stderr.write("usage: node graphile.cjs local-queue|per-job JOBS CONCURRENCY\n");
  process.exit(2);
}

const worker =
  mode === "local-queue"
    ? { concurrentJobs: concurrency, localQueue: { size: BATCH }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }
    : { concurrentJobs: concurrency };

async function enqueue(utils) {
  if (mode === "per-job") {
    // One job a call, as many calls at a time as there are workers: what single requests would do.
    let next = 0;
    const submitters = Array.from({ length: concurrency }, async () => {
      while (next < jobs) {
        const id = next++;
        await utils.addJob("mission", { id });
      }
    });
    await Promise.all(submitters);
    return;
  }
  for (let at = 0; at < jobs; at += BATCH) {
    const size = Math.min(BATCH, jobs - at);
    await utils.addJobs(Array.from({ length: size }, (_, i) => ({ identifier: "mission", payload: { id: at + i } })));
  }
}

async function rowsLeft(pgPool) {
  const { rows } = await pgPool.query("SELECT count(*)::int AS left FROM graphile_worker._private_jobs");
  return rows[0].left;
}

async function main() {
  const pgPool = new Pool({ connectionString: process.env.DATABASE_URL, max: concurrency + 4 });
  pgPool.on("error", () => {});
  const utils = await makeWorkerUtils({ pgPool });
  await utils.migrate();

  let done = 0;
  let finished;
  const all = new Promise((resolve) => (finished = resolve));
  const taskList = {
    mission: async () => {
      done += 1;
      if (done === jobs) finished();
    },
  };
  const started = process.hrtime.bigint();
  const runner = await run({ pgPool, taskList, noHandleSignals: true, preset: { worker } });
  await enqueue(utils);
  await all;
  // A job that ran is not yet one that is done: the rows leave in batches, or in calls of their own.
  let left = await rowsLeft(pgPool);
  for (const giveUp = Date.now() + 10_000; left > 0 && Date.now() < giveUp; left = await rowsLeft(pgPool)) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  await runner.stop();
  await utils.release();
  await pgPool.end();
  const answer = { peer: "graphile-worker", mode, jobs, seconds, per_s: jobs / seconds, left };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(5);
});
