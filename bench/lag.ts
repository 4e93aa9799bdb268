/**
 * Lag in both directions under a steady load, on the whole local system: `npm run bench:lag`. Both sides edit at the same
 * rate, half of it on an object that goes through the Salesforce API and half on one that goes through AppFlow.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { processTerminal, progressBar } from '../cli/terminal.ts';
import { changeMessage } from '../core/contracts/change-message.ts';
import { pollInterval } from '../local/options.ts';
import { type BothSides, until } from '../test/support/system/both-sides.ts';
import { startBenchSystem } from './bench-system.ts';
import { type Figure, percentile, report } from './figures.ts';
import { type Edit, type LoadedObject, type LoadOrder, type LoadResult, WATCH } from './lag-load.ts';
import { type PlottedLag, plotLag } from './lag-plot.ts';

/** As it is deployed, but for one object that goes through the API. */
const CONFIGURATION = `import sample from './sync.config.sample.ts';

export default {
  ...sample,
  objects: sample.objects.map((mapping) =>
    mapping.object === 'Opportunity' ? { ...mapping, delivery: 'api' as const } : mapping,
  ),
};
`;
const API_OBJECT = 'Opportunity';
/** Records made for each object and side, so that none is edited again before its last edit is through. */
const RECORDS_PER_SIDE = 600;
const COLLECTION = 200;

const options = new Command('npm run bench:lag --')
  .description('Lag from edit to arrival in both directions, under a steady load on both sides.')
  .option('--minutes <n>', 'how long edits are made', Number, 5)
  .option('--rate <n>', 'edits a second on each side', Number, 50)
  .option('--poll <time>', 'how long a minute of the schedules lasts', pollInterval, 2_000)
  .option('--warm-up <seconds>', 'edits before that are made, but not counted', Number, 15)
  .option('--plot <file>', 'writes a plot over time, as SVG')
  .option('--json', 'figures as JSON', false)
  .parse()
  .opts<{ minutes: number; rate: number; poll: number; warmUp: number; plot?: string; json: boolean }>();

await using bench = await startBenchSystem({ configuration: CONFIGURATION, pollMs: options.poll });
const { both, system } = bench;
const objects = [
  await loaded({ object: 'Opportunity', field: 'Amount', table: 'loan_applications', column: 'amount' }),
  await loaded({ object: 'Contact', field: 'Phone', table: 'borrowers', column: 'phone' }),
];
await both.database.query(WATCH(objects));
await both.rest();
const started = Date.now();
const messages = watchQueues(both);
const files = watchFiles(both);
const result = await runLoad();
const counted = started + options.warmUp * 1000;
const lost = result.edits.filter(({ seenAt }) => seenAt === undefined).length;
if (result.failed > 0) throw new Error(`${result.failed} edits were refused by their own side: ${result.reason}`);
processTerminal.progress('reading what the flows have written ...');
const ways = await waysOf();
processTerminal.progress(undefined);
if (options.plot !== undefined) {
  const title = `${options.rate} edits a second on each side for ${options.minutes} min, --poll ${options.poll / 1000}s`;
  await plotLag(resolve(options.plot), title, ways);
}
const figures: Figure[] = [
  { what: 'edits on both sides', value: result.edits.length, unit: '' },
  { what: 'edits that never arrived', value: lost, unit: '', bar: { below: 1 } },
  ...ways.flatMap(percentiles),
  ...(await windows()).flatMap(percentiles),
];
report(`Lag with ${options.rate} edits a second on each side, --poll ${options.poll / 1000}s`, figures, options);

/** Makes the records that are to be edited, and waits for their rows. */
async function loaded(edited: Omit<LoadedObject, 'editedHere' | 'editedThere'>): Promise<LoadedObject> {
  const { object } = edited;
  const ids: string[] = [];
  const mandatory =
    object === 'Contact' ? { LastName: 'Lag' } : { Name: 'Lag', StageName: 'Prospecting', CloseDate: '2027-01-31' };
  for (let made = 0; made < 2 * RECORDS_PER_SIDE; made += COLLECTION) {
    processTerminal.progress(`making records of ${object} ${progressBar(made, 2 * RECORDS_PER_SIDE)}`);
    const answers = await both.salesforce
      .sobject(object)
      .create(
        Array.from({ length: COLLECTION }, () => ({ ...mandatory, [edited.field]: object === 'Contact' ? '1' : 1 })),
      );
    ids.push(...answers.map(({ id }) => id ?? ''));
  }
  await until(`the rows of ${object}`, async () => {
    const sql = `select count(*)::int as rows from ${edited.table} where salesforce_id = any ($1)`;
    return (await both.row<{ rows: number }>(sql, [ids]))?.rows === ids.length;
  });
  return { ...edited, editedHere: ids.slice(0, RECORDS_PER_SIDE), editedThere: ids.slice(RECORDS_PER_SIDE) };
}

async function runLoad(): Promise<LoadResult> {
  const seconds = options.minutes * 60 + options.warmUp;
  const child = fork(fileURLToPath(new URL('lag-load.ts', import.meta.url)), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const order: LoadOrder = {
    endpoints: system.endpoints,
    directory: system.directory,
    seconds,
    perSecond: options.rate,
    objects,
  };
  let answer: LoadResult | undefined;
  child.on('message', (message: LoadResult) => {
    answer = message;
  });
  child.send(order);
  const shown = setInterval(() => {
    const passed = (Date.now() - started) / 1000;
    const what = passed < seconds ? 'editing' : 'waiting for the last edits';
    processTerminal.progress(`${what} ${progressBar(passed, seconds)}`);
  }, 500);
  const [status] = await once(child, 'exit');
  clearInterval(shown);
  if (answer === undefined) throw new Error(`The process that edits has ended with status ${status}.`);
  return answer;
}

/** For each message its queue's moment, and the commit of the oldest change in it. */
function watchQueues({ system: { directory, journal } }: BothSides): { committedAt: number; queuedAt: number }[] {
  const found: { committedAt: number; queuedAt: number }[] = [];
  const store = new DatabaseSync(join(directory, 'aws', 'store.sqlite'), { readOnly: true });
  const newer = store.prepare('select sequence, body, sent_at from sqs_message where sequence > ? order by sequence');
  let last = Number(store.prepare('select max(sequence) as last from sqs_message').get()?.last ?? 0);
  // The journal has a message as soon as it lies in its queue, before a consumer can have received it.
  journal.subscribe(({ kind }) => {
    if (kind !== 'message-sent') return;
    for (const { sequence, body, sent_at: queuedAt } of newer.all(last)) {
      last = Number(sequence);
      const message = changeMessage.safeParse(JSON.parse(String(body))).data;
      if (message !== undefined)
        found.push({ committedAt: Date.parse(message.committedAt), queuedAt: Number(queuedAt) });
    }
  });
  return found;
}

/** Inbound files with the moment at which they were put. */
function watchFiles({ system: { journal } }: BothSides): { key: string; putAt: number }[] {
  const found: { key: string; putAt: number }[] = [];
  journal.subscribe(({ kind, subject, at }) => {
    const key = subject.slice(subject.indexOf('/') + 1);
    if (kind === 'object-created' && key.startsWith('salesforce/')) found.push({ key, putAt: at });
  });
  return found;
}

async function waysOf(): Promise<PlottedLag[]> {
  const edited = (side: Edit['side'], isThis: (object: string) => boolean) =>
    result.edits.filter((edit) => edit.side === side && isThis(edit.object));
  const way = (
    name: string,
    barSeconds: number | undefined,
    spans: readonly (readonly [number, number | undefined])[],
  ) => ({
    way: name,
    barSeconds,
    lags: spans.flatMap(([from, to]) =>
      from < counted || to === undefined
        ? []
        : [{ at: (from - started) / 1000, seconds: Math.max(0, to - from) / 1000 }],
    ),
  });
  const spans = (edits: readonly Edit[]) => edits.map(({ at, seenAt }) => [at, seenAt] as const);
  return [
    way(
      'commit -> queue',
      undefined,
      messages.map(({ committedAt, queuedAt }) => [committedAt, queuedAt]),
    ),
    way('commit -> Salesforce, API', 3, spans(edited('postgres', (object) => object === API_OBJECT))),
    way('commit -> Salesforce, AppFlow', 10, spans(edited('postgres', (object) => object !== API_OBJECT))),
    way('edit in Salesforce -> row', 8, spans(edited('salesforce', () => true))),
    way('S3 object -> row', 2, await fromFiles()),
  ];
}

/** How long an edit in Salesforce would have been overwritten: from the look before a push until it was seen to have landed. */
async function windows(): Promise<PlottedLag[]> {
  const looks = new Map<string, { readonly lookedAt: number; readonly sentAt: number }[]>();
  const pushes = await both.rows<{ id: string; looked: Date; sent: Date }>(
    'select id, looked, sent from lag.push order by sent',
  );
  for (const { id, looked, sent } of pushes) {
    looks.set(id, [...(looks.get(id) ?? []), { lookedAt: looked.getTime(), sentAt: sent.getTime() }]);
  }
  const window = (name: string, isThis: (object: string) => boolean) => ({
    way: `look -> landing, ${name}`,
    barSeconds: undefined,
    lags: result.edits.flatMap(({ side, object, id, at, seenAt }) => {
      if (side === 'salesforce' || !isThis(object) || at < counted || seenAt === undefined) return [];
      const push = looks.get(id)?.findLast(({ sentAt }) => sentAt <= seenAt);
      return push === undefined ? [] : [{ at: (at - started) / 1000, seconds: (seenAt - push.lookedAt) / 1000 }];
    }),
  });
  return [window('API', (object) => object === API_OBJECT), window('AppFlow', (object) => object !== API_OBJECT)];
}

/** From the file that first held an edit, or a later one of the record, to the row. */
async function fromFiles(): Promise<(readonly [number, number | undefined])[]> {
  const held = new Map<string, { value: number; putAt: number }[]>();
  for (const { key, putAt } of files) {
    const { object = '' } = /^salesforce\/(?<object>[^/]+)/.exec(key)?.groups ?? {};
    const field = objects.find((candidate) => candidate.object === object)?.field ?? '';
    for (const line of (await both.objectText(key)).split('\n').filter(Boolean)) {
      const record = JSON.parse(line);
      held.set(record.Id, [...(held.get(record.Id) ?? []), { value: Number(record[field]), putAt }]);
    }
  }
  return result.edits.flatMap(({ side, id, value, seenAt }) => {
    const first = side === 'salesforce' ? held.get(id)?.find((file) => file.value >= value) : undefined;
    return first === undefined ? [] : [[first.putAt, seenAt] as const];
  });
}

function percentiles({ way, barSeconds, lags }: PlottedLag): Figure[] {
  const seconds = lags.map((lag) => lag.seconds);
  return [50, 95, 99].map((percent) => ({
    what: `${way}, p${percent}`,
    value: percentile(seconds, percent),
    unit: 's',
    bar: percent === 95 && barSeconds !== undefined ? { below: barSeconds } : undefined,
    note: percent === 50 ? `of ${seconds.length}` : undefined,
  }));
}
