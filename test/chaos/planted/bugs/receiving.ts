/** Bugs with queues, leases, locks, and what is left for later. */
import type { PlantedBug } from '../planted-bug.ts';

export const RECEIVING: readonly PlantedBug[] = [
  {
    name: 'message deleted before the commit',
    says: 'Messages are deleted when they are received, before their keys are marked due.',
    whose: { of: 'NServiceBus.AmazonSQS', link: 'https://github.com/Particular/NServiceBus.AmazonSQS/issues/124' },
    edits: [
      {
        file: 'steps/receive.ts',
        find: '    try {\n      newRejects.push(',
        replace: '    await queue.delete(readable);\n    try {\n      newRejects.push(',
      },
      {
        file: 'steps/receive.ts',
        find: "    failpoint('receive:marked');\n    await queue.delete(readable);",
        replace: "    failpoint('receive:marked');",
      },
    ],
    faults: ['killed at receive:received', 'killed at statement:before', 'sessions ended'],
    seeds: 3,
  },
  {
    name: 'one visible transaction is enough',
    says: 'A message of several transactions is worked on as soon as one of them is visible.',
    whose: { of: 'go-pq-cdc', link: 'https://github.com/Trendyol/go-pq-cdc/pull/176' },
    edits: [
      {
        file: 'steps/receive.ts',
        find: '!message.transactions.some((xid) => invisible.has(xid))',
        replace: 'message.transactions.some((xid) => !invisible.has(xid))',
      },
    ],
    faults: ['commits held back'],
    seeds: 5,
  },
  {
    name: 'wake-up lost around the lease',
    says: 'The last look into the queue comes before the lease is released: who found it held in between has ended for nothing.',
    whose: { of: 'ltask', link: 'https://github.com/cloudwu/ltask/issues/71' },
    edits: [
      {
        file: 'steps/collect.ts',
        find: `  await freeLease(session, mapping.object, execution, { emptied: true });
  failpoint('collect:lease-freed');
  const { messages } = await receiveAll(collecting, { waitSeconds: LAST_LOOK_SECONDS, lease: false });
  if (messages === 0 && !(await anyDue(session, mapping.object, WAITED_FOR_MS)))
    return { next: 'end', reason: 'nothing due' };`,
        replace: `  const { messages } = await receiveAll(collecting, { waitSeconds: LAST_LOOK_SECONDS, lease: true });
  const isOver = messages === 0 && !(await anyDue(session, mapping.object, WAITED_FOR_MS));
  await freeLease(session, mapping.object, execution);
  if (isOver) return { next: 'end', reason: 'nothing due' };`,
      },
    ],
    faults: [],
    seeds: 5,
  },
  {
    name: 'announcement swallowed',
    says: 'What changes while an object is being announced, or shortly after, is not announced.',
    whose: 'ours',
    edits: [{ file: 'wal-streamer/announcer.ts', find: '      recent.due = true;\n', replace: '' }],
    faults: [],
    seeds: 5,
  },
  {
    name: 'lease taken from the living',
    says: 'An execution takes the lease also where its holder still runs.',
    whose: { of: 'Lion Reader', link: 'https://github.com/brendanlong/lion-reader/pull/917' },
    edits: [
      {
        file: 'postgres/ledger/lease.ts',
        find: 'if (holder !== null && holder !== execution && (await isRunning(holder))) return undefined;',
        replace: 'if (holder !== null && holder !== execution) await isRunning(holder);',
      },
    ],
    faults: [],
    seeds: 2,
  },
  {
    name: 'lease kept by the dead',
    says: 'An execution that has failed, or was ended, counts as running, and keeps the lease.',
    whose: { of: 'Agenda', link: 'https://github.com/agenda/agenda/issues/1749' },
    edits: [
      {
        file: 'aws/executions.ts',
        find: `return status === 'RUNNING' || status === 'PENDING_REDRIVE';`,
        replace: `return status !== 'SUCCEEDED';`,
      },
    ],
    faults: ['lambdas killed', 'system killed'],
    seeds: 3,
  },
  {
    name: 'put off and forgotten',
    says: 'What was put off is not taken up again.',
    whose: 'ours',
    edits: [
      {
        file: 'postgres/ledger/due.ts',
        find: "const WITHOUT_PUSH = [`d.state = 'due'`, `d.state = 'put off' and d.due_at <= statement_timestamp()`];",
        replace: "const WITHOUT_PUSH = [`d.state = 'due'`];",
      },
    ],
    faults: ['salesforce rows locked'],
    seeds: 2,
  },
  {
    name: 'notice of what waits dropped',
    says: 'Nobody is told of records that Salesforce does not take for long.',
    whose: 'ours',
    edits: [
      {
        file: 'steps/push/pauses.ts',
        find: 'if (listed.length === 0) return undefined;',
        replace: 'if (listed.length >= 0) return undefined;',
      },
    ],
    faults: ['salesforce rows locked'],
    seeds: 3,
  },
  {
    name: 'locked row taken for gone',
    says: 'A row that another transaction holds is not read, and so its record is deleted.',
    whose: 'ours',
    edits: [
      {
        file: 'postgres/tables/rows.ts',
        find: `if (access === 'lock' && rows.length < wanted.length)`,
        replace: `if (access === 'read' && rows.length < wanted.length)`,
      },
    ],
    faults: ['rows locked by the application'],
    seeds: 3,
  },
  {
    name: 'row lock left out',
    says: 'A row is read without a lock before it is written: what the application commits in between is overwritten.',
    whose: 'ours',
    edits: [
      {
        file: 'postgres/tables/rows.ts',
        find: `\${access === 'lock' ? 'for no key update of t skip locked' : ''}`,
        replace: `\${access === 'lock' ? '' : ''}`,
      },
    ],
    faults: ['rows locked by the application'],
    seeds: 5,
  },
  {
    name: 'locked rows forgotten',
    says: 'Records of a file whose rows another transaction holds are left out, and not read again.',
    whose: 'ours',
    edits: [
      {
        file: 'steps/apply.ts',
        find: 'if (later.length > 0) await',
        replace: 'if (later.length < 0) await',
      },
    ],
    faults: ['rows locked by the application'],
    seeds: 3,
  },
  {
    name: 'rest of a file forgotten',
    says: 'What a call has not worked on, because a table was locked or its time was over, is not handed on to the next.',
    whose: 'ours',
    edits: [
      {
        file: 'steps/files/apply.ts',
        find: `if (left.length === 0 || input.from !== 'file') return answer;`,
        replace: `if (left.length >= 0 || input.from !== 'file') return answer;`,
      },
    ],
    faults: ['table locked by the application'],
    seeds: 3,
  },
  {
    name: 'sweep compares stamps',
    says: 'The sweep takes a record for known whose stamp is: what was committed late within that second stays unknown.',
    whose: { of: 'Airbyte', link: 'https://github.com/airbytehq/airbyte/issues/27146' },
    edits: [
      {
        file: 'core/agreement/sweep.ts',
        find: `return isAsKnown(mapping, listed, link) ? undefined : 'different';`,
        replace: `return listed.stamp <= (link.highWater ?? 0) || isAsKnown(mapping, listed, link) ? undefined : 'different';`,
      },
    ],
    faults: ['salesforce commits late'],
    seeds: 5,
  },
];
