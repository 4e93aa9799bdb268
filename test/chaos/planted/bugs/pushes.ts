/** Bugs on the way to Salesforce: what is sent, and what its answer is taken for. */
import type { PlantedBug } from '../planted-bug.ts';

export const PUSHES: readonly PlantedBug[] = [
  {
    name: 'base set before the answer',
    says: 'What is about to be sent counts as what Salesforce holds.',
    whose: { of: 'Keboola CLI', link: 'https://github.com/keboola/cli/pull/376' },
    edits: [
      {
        file: 'core/agreement/outbound.ts',
        find: `  return { ...merged, link: { ...link, push: open }, outcome: 'push', push };`,
        replace: `  const sent = { ...link.base?.fields, ...('fields' in out ? out.fields : {}) };
  const base = { deleted: link.base?.deleted === true, fields: sent };
  return { ...merged, link: { ...link, base, push: open }, outcome: 'push', push };`,
      },
    ],
    faults: ['salesforce connection reset', 'salesforce rows locked', 'salesforce validation rule on'],
    seeds: 3,
  },
  {
    name: 'base set after the read-back',
    says: 'What was accepted does not count as what Salesforce holds before the read-back is merged.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/outbound.ts',
        find: `outcome === 'accepted' ? acknowledge(link, push, readBack) : mayBeOurs ? link : unsent(link, push);`,
        replace: 'mayBeOurs ? link : unsent(link, push);',
      },
    ],
    faults: ['salesforce trigger rewrites', 'salesforce slow'],
    operations: ['same field on both sides'],
    seeds: 5,
  },
  {
    name: 'revision not checked by decide',
    says: 'A look is merged although a newer version of the record has come since.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/outbound.ts',
        find: `if (pair.link.revision !== revision) return { outcome: 'left' };`,
        replace: `if (pair.link.revision < revision) return { outcome: 'left' };`,
      },
    ],
    faults: ['throttled lambda', 'salesforce slow'],
    seeds: 5,
  },
  {
    name: 'revision not checked by settle',
    says: 'A read-back is merged although a newer version of the record has come since, and was left to it.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/outbound.ts',
        find: 'if (push === undefined || link.revision !== round.revision)',
        replace: 'if (push === undefined || link.revision < round.revision)',
      },
    ],
    faults: ['salesforce slow', 'appflow slow'],
    operations: ['same field on both sides', 'several in Salesforce'],
    seeds: 5,
  },
  {
    name: 'fence left out',
    says: 'A push of a dead execution is taken up at once, although its request may still land.',
    whose: { of: 'Aegra', link: 'https://github.com/aegra/aegra/pull/547' },
    edits: [
      {
        file: 'postgres/ledger/due.ts',
        find: `'d.sent_at < statement_timestamp() - make_interval(secs => $3)'`,
        replace: `'d.sent_at < statement_timestamp() and $3::double precision >= 0'`,
      },
    ],
    faults: ['salesforce slow', 'execution aborted during a push'],
    operations: ['several in PostgreSQL'],
    seeds: 5,
  },
  {
    name: 'fence in the wrong unit',
    says: 'A push of a dead execution is taken up after a thousand times the time that it takes to be over.',
    whose: 'ours',
    edits: [
      {
        file: 'postgres/ledger/due.ts',
        find: `'d.sent_at < statement_timestamp() - make_interval(secs => $3)'`,
        replace: `'d.sent_at < statement_timestamp() - make_interval(secs => 1000 * $3)'`,
      },
    ],
    faults: ['execution aborted during a push'],
    seeds: 2,
  },
  {
    name: 'run not waited for',
    says: 'Records of a dead execution are pushed anew while its run of the flow is still in progress.',
    whose: 'ours',
    edits: [
      {
        file: 'steps/collect.ts',
        find: `if (mustFence) return { next: 'fence' };`,
        replace: `if (mustFence && input.fenced) return { next: 'fence' };`,
      },
      { file: 'steps/collect.ts', find: 'flowFenced: input.fenced }', replace: 'flowFenced: true }' },
    ],
    faults: ['appflow slow', 'lambdas killed'],
    seeds: 5,
  },
  {
    name: 'file of a dead run sent along',
    says: 'The CSV that a dead execution has left is not taken away, and goes with the next run of the flow.',
    whose: 'ours',
    edits: [
      {
        file: 'steps/collect.ts',
        find: '  await removeStrayFiles(ports.storage, mapping.object);',
        replace: '  if (probing) await removeStrayFiles(ports.storage, mapping.object);',
      },
    ],
    faults: ['system killed', 'lambdas killed'],
    seeds: 5,
  },
  {
    name: 'marker left out',
    says: 'A push whose call has died is sent once more when the call is repeated.',
    whose: { of: 'django-salesforce', link: 'https://github.com/django-salesforce/django-salesforce/issues/159' },
    edits: [
      {
        file: 'steps/push/at-most-once.ts',
        find: 'if (await storage.create(begunKey, BEGUN)) {',
        replace: 'if ((await storage.create(begunKey, BEGUN)) || lines.length > 0) {',
      },
    ],
    faults: ['killed at push:sent', 'killed at push:outcomes-stored'],
    operations: ['several in PostgreSQL'],
    seeds: 5,
  },
  {
    name: 'seen not restored',
    says: 'An edit that a file has shown while a run of the flow has written over it is not put back.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/outbound.ts',
        find: 'const merged = mayBeOurs ? restoreSeen(mapping, push, readBack, fresh) : fresh;',
        replace: 'const merged = fresh;',
      },
    ],
    faults: ['appflow runs late'],
    operations: ['different fields on both sides'],
    seeds: 5,
  },
  {
    name: 'filler not counted as sent',
    says: 'Of unchanged fields that the file of a run had to carry nothing is remembered.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/outbound.ts',
        find: `function sentOf({ outgoing: out, fillers }: Push)`,
        replace: `function sentOf({ outgoing: out }: Push)`,
      },
      {
        file: 'core/agreement/outbound.ts',
        find: 'return Object.fromEntries([...entries(fillers, true), ...entries(fields, false)]);',
        replace: 'return Object.fromEntries(entries(fields, false));',
      },
    ],
    faults: ['appflow runs late'],
    operations: ['different fields on both sides'],
    seeds: 5,
  },
  {
    name: 'delete not checked',
    says: 'A delete that Salesforce has accepted is believed without a look at what it has buried.',
    whose: {
      of: 'Heroku Connect',
      link: 'https://devcenter.heroku.com/articles/heroku-connect-rapid-multiple-updates-issues',
    },
    edits: [
      {
        file: 'core/agreement/outbound.ts',
        find: `push: OpenPush, readBack: Pick<SalesforceVersion, 'deleted'>): Link {`,
        replace: `push: OpenPush, _: Pick<SalesforceVersion, 'deleted'>): Link {`,
      },
      {
        file: 'core/agreement/outbound.ts',
        find: 'const deleted = sentDeleted === false ? false : sentDeleted === true && !readBack.deleted ? true : link.base.deleted;',
        replace: 'const deleted = sentDeleted ?? link.base.deleted;',
      },
    ],
    faults: ['salesforce slow'],
    operations: ['delete in PostgreSQL'],
    seeds: 5,
  },
  {
    name: 'refused pushed for ever',
    says: 'What Salesforce has refused is sent again at every round.',
    whose: { of: 'Mautic', link: 'https://github.com/mautic/mautic/issues/6561' },
    edits: [
      {
        file: 'core/agreement/outbound.ts',
        find: `const refused = outcome === 'refused' ? refusedAfter(merged.link.refused, push) : merged.link.refused;`,
        replace: 'const refused = merged.link.refused;',
      },
    ],
    faults: [],
    operations: ['too long for Salesforce'],
    seeds: 2,
  },
  {
    name: 'lost answer taken for success',
    says: 'A request without an answer counts as accepted.',
    whose: 'ours',
    edits: [
      {
        file: 'salesforce/collections.ts',
        find: 'return part.map(() => undefined);',
        replace: 'return part.map(() => ({ success: true, errors: [] }));',
      },
    ],
    faults: ['salesforce connection reset', 'salesforce 502'],
    seeds: 3,
  },
  {
    name: 'bulk results by place',
    says: 'The results of a Bulk job are told apart by their place, although they come in any order and only for those that went through.',
    whose: { of: 'simple-salesforce', link: 'https://github.com/simple-salesforce/simple-salesforce/issues/313' },
    edits: [
      {
        file: 'salesforce/bulk-ingest.ts',
        find: `(await results('successfulResults')).map(({ Id }) => Id)`,
        replace: `(await results('successfulResults')).map((_, i) => lines[i]?.id)`,
      },
    ],
    faults: ['bulk results shuffled', 'salesforce validation rule on'],
    operations: ['bulk in PostgreSQL'],
    seeds: 3,
  },
  {
    name: 'answers shifted by one',
    says: 'Of a call in which a record is refused, the answers after it are those of the record before.',
    whose: { of: 'Data Loader', link: 'https://github.com/forcedotcom/dataloader/issues/428' },
    edits: [
      {
        file: 'salesforce/collections.ts',
        find: '        const answer = answers[i];',
        replace: `        const failed = answers.findIndex((each) => typeof each === 'object' && !each.success);
        const answer = answers[failed >= 0 && failed < i ? i - 1 : i];`,
      },
    ],
    faults: ['salesforce validation rule on', 'salesforce rows locked'],
    operations: ['several in PostgreSQL'],
    seeds: 3,
  },
  {
    name: 'bad record takes its call along',
    says: 'Where Salesforce turns a whole call away for one value, all records of the call count as refused.',
    whose: 'ours',
    edits: [
      {
        file: 'salesforce/collections.ts',
        find: 'if (part.length === 1) return [{ success: false, errors: [{ statusCode: code, message: messageOf(error) }] }];',
        replace:
          'if (part.length >= 1) return part.map(() => ({ success: false, errors: [{ statusCode: code, message: messageOf(error) }] }));',
      },
    ],
    faults: [],
    operations: ['several in PostgreSQL'],
    seeds: 3,
  },
  {
    name: 'failed run taken for success',
    says: 'A run of the flow that has failed to put some rows counts as one that has put all of them.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/push-outcome.ts',
        find: `if (edits.every(holds)) return 'accepted';`,
        replace: `if (edits.every(holds) || failures > 0) return 'accepted';`,
      },
    ],
    faults: ['appflow rows refused', 'salesforce validation rule on'],
    operations: ['several in PostgreSQL'],
    seeds: 3,
  },
  {
    name: 'failed run pushed again',
    says: 'After a run with failures a record that a user has edited meanwhile is sent once more.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/push-outcome.ts',
        find: `return failures > 0 ? 'unknown' : 'accepted';`,
        replace: `return failures > 0 ? 'push again' : 'accepted';`,
      },
    ],
    faults: ['appflow rows refused', 'salesforce rows locked', 'appflow slow'],
    seeds: 5,
  },
  {
    name: 'null in the file of a flow',
    says: 'A field that becomes null goes as an empty cell, which leaves it as it is.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/outbound.ts',
        find: `(mapping.blankCells === 'clear' || Object.values(out.fields).every((value) => value !== null));`,
        replace: `Object.keys(out.fields).length > 0;`,
      },
    ],
    faults: [],
    operations: ['several in PostgreSQL'],
    seeds: 3,
  },
  {
    name: 'null not sent',
    says: 'A field that the application clears is left out of the request.',
    whose: 'ours',
    edits: [
      {
        file: 'salesforce/push.ts',
        find: '.filter(({ field }) => line.fields[field] !== undefined)',
        replace: '.filter(({ field }) => (line.fields[field] ?? undefined) !== undefined)',
      },
    ],
    faults: [],
    seeds: 2,
  },
  {
    name: 'quotes not doubled',
    says: 'A quotation mark within a cell of the CSV for a Bulk job ends the cell.',
    whose: 'ours',
    edits: [{ file: 'salesforce/bulk-csv.ts', find: `text.replaceAll('"', '""')`, replace: 'text' }],
    faults: [],
    operations: ['bulk in PostgreSQL'],
    seeds: 3,
  },
  {
    name: 'values in the log',
    says: 'The log line about a push has the records in it.',
    whose: { of: 'Apache Paimon', link: 'https://github.com/apache/paimon/issues/4290' },
    edits: [
      {
        file: 'steps/push/send-changes.ts',
        find: `log.info('records pushed', { pushKey, ...counts });`,
        replace: `log.info('records pushed', { pushKey, ...counts, lines });`,
      },
    ],
    faults: [],
    seeds: 1,
  },
];
