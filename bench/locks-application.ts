/** The application of `npm run bench:locks`, in a thread of its own: writes rows at a rate, and reports how long each write took. */
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import pg from 'pg';

interface Orders {
  readonly url: string;
  readonly rows: number;
  readonly perSecond: number;
}

const { url, rows, perSecond } = workerData as Orders;
const CONNECTIONS = 10;
const INTERVAL_MS = 1000 / perSecond;

const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
let until = Number.POSITIVE_INFINITY;
parentPort?.on('message', () => {
  until = performance.now();
});

const latencies: number[] = [];
let failed = 0;
const writing: Promise<void>[] = [];
const startedAt = performance.now();
for (let n = 0; performance.now() < until; n++) {
  // By the clock, also when earlier writes wait: a queue that builds up counts.
  const due = startedAt + n * INTERVAL_MS;
  const ahead = due - performance.now();
  if (ahead > 0) await pause(ahead);
  writing.push(write(due));
}
await Promise.all(writing);
await pool.end();
parentPort?.postMessage({ latencies, failed });
parentPort?.close();

async function write(due: number): Promise<void> {
  const id = 1 + Math.floor(Math.random() * rows);
  await pool.query('update loans set visits = visits + 1 where id = $1', [id]).catch(() => {
    failed += 1;
  });
  latencies.push(performance.now() - due);
}
