import { expect, test } from 'vitest';
import { RetryableError } from '../../core/errors.ts';
import type { FieldValues } from '../../core/mapping/canonical.ts';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import sample from '../../examples/lender/sync.config.ts';
import type { Session } from '../../postgres/session/connection.ts';
import type { AppliedVersions } from '../../steps/apply.ts';
import { applyRereads, applyVersions } from '../../steps/apply.ts';
import type { StepContext } from '../../steps/step.ts';
import { deletedVersion, useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { contextOf } from '../support/system/steps.ts';

const EXECUTIONS = 10;
/** Fewer than executions: some always wait for one. */
const configuration: SyncConfiguration = { ...sample, settings: { ...sample.settings, origins: 3 } };
const ACCOUNTS = 80;
const CONTACTS = 240;
const VERSIONS = 6;
const FILE_RECORDS = 60;
/** Of the 30 that the state machine has. */
const RETRIES = 6;
const LONG_AFTER = Date.UTC(2030, 0, 1);

const lender = useLenderDatabase('test');
const { rows } = lender;

/** Numbers below `limit`, the same in every run (Numerical Recipes' linear congruential generator). */
function dice(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const idOf = (prefix: string, n: number) => `${prefix}0000000${String(n).padStart(5, '0')}AAA`;

interface History {
  readonly object: 'Account' | 'Contact';
  readonly versions: readonly SalesforceVersion[];
}

/** What people did in Salesforce: creates, edits, deletes, undeletes, children that change parents. */
function histories(roll: (limit: number) => number): History[] {
  const versionOf = (object: History['object'], id: string, deleted: boolean, second: number, fields: FieldValues) =>
    deleted ? deletedVersion(object, id, second, fields) : version(object, id, second, fields);
  const accounts = Array.from({ length: ACCOUNTS }, (_, n): History => {
    const id = idOf('001', n);
    const versions = Array.from({ length: VERSIONS }, (_, i) =>
      versionOf('Account', id, roll(4) === 0, i + 1, { Name: `Lender ${n}`, Phone: `${roll(1000)}` }),
    );
    return { object: 'Account', versions };
  });
  const isGone = accounts.map(({ versions }) => versions.at(-1)?.deleted === true);
  const contacts = Array.from({ length: CONTACTS }, (_, n): History => {
    const id = idOf('003', n);
    const versions = Array.from({ length: VERSIONS }, (_, i) => {
      const parent = roll(ACCOUNTS);
      // Salesforce deletes the contacts of an account with it.
      const deleted = i === VERSIONS - 1 ? isGone[parent] === true : roll(4) === 0;
      const fields = { LastName: `Person ${n}`, Email: `${roll(1000)}@example.org`, AccountId: idOf('001', parent) };
      return versionOf('Contact', id, deleted, i + 1, fields);
    });
    return { object: 'Contact', versions };
  });
  return [...accounts, ...contacts];
}

interface InboundFile {
  readonly object: History['object'];
  readonly versions: readonly SalesforceVersion[];
}

/** Every version in one file at least, many in two; in any order, so that files overlap and are late. */
function filesOf(all: readonly History[], roll: (limit: number) => number): InboundFile[] {
  const shuffled = <T>(list: readonly T[]) =>
    list.map((item) => ({ item, place: roll(1_000_000) })).sort((a, b) => a.place - b.place);
  return shuffled(
    (['Account', 'Contact'] as const).flatMap((object) => {
      const sent = all.filter((each) => each.object === object).flatMap(({ versions }) => versions);
      const twice = shuffled([...sent, ...sent.filter(() => roll(2) === 0)]).map(({ item }) => item);
      return Array.from({ length: Math.ceil(twice.length / FILE_RECORDS) }, (_, i): InboundFile => {
        return { object, versions: twice.slice(i * FILE_RECORDS, (i + 1) * FILE_RECORDS) };
      });
    }),
  ).map(({ item }) => item);
}

/** What the state machine does with a file: apply, retry what is retryable, read again up to three times. */
class Execution {
  readonly #session: Session;
  readonly #salesforce: ReadonlyMap<string, SalesforceVersion>;

  constructor(session: Session, salesforce: ReadonlyMap<string, SalesforceVersion>) {
    this.#session = session;
    this.#salesforce = salesforce;
  }

  async apply({ object, versions }: InboundFile, source: string): Promise<void> {
    const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
    let applied = await this.#retried(() => applyVersions(this.#context(object, source), source, lines, LONG_AFTER));
    for (let attempt = 1; attempt <= 3 && applied.toRead.length > 0; attempt++) {
      applied = await this.readAgain(object, applied.toRead);
    }
  }

  readAgain(object: History['object'], toRead: AppliedVersions['toRead']): Promise<AppliedVersions> {
    const readAt = Date.now();
    const lines = toRead.map((each) => ({ ...each, version: this.#salesforce.get(each.id) }));
    return this.#retried(() => applyRereads(this.#context(object, 'reread'), 'reread', lines, readAt));
  }

  #context(object: string, execution: string): StepContext {
    return contextOf(this.#session, configuration, object, execution);
  }

  /** A deadlock, or an origin that was long in coming. */
  async #retried(work: () => Promise<AppliedVersions>): Promise<AppliedVersions> {
    for (let left = RETRIES; ; left--) {
      try {
        const applied = await work();
        expect(applied.reasons).toEqual([]);
        return applied;
      } catch (error) {
        if (!(error instanceof RetryableError) || left === 0) throw error;
      }
    }
  }
}

test.each([1, 2, 3])(
  'ten executions at once on the same parents and children, with three origins: the end is what Salesforce holds (%i)',
  async (seed) => {
    const roll = dice(seed);
    const all = histories(roll);
    const salesforce = new Map(
      all.map(({ versions }) => versions.at(-1)).flatMap((last) => (last ? [[last.id, last]] : [])),
    );
    const files = filesOf(all, roll);
    const executions = await Promise.all(
      Array.from({ length: EXECUTIONS }, async () => new Execution(await lender.session(), salesforce)),
    );
    const left = files.map((file, i) => ({ file, source: `file ${i}` }));
    await Promise.all(
      executions.map(async (execution) => {
        for (let next = left.shift(); next !== undefined; next = left.shift()) {
          await execution.apply(next.file, next.source);
        }
      }),
    );
    // What lost three races stays due, and the outbound pipeline reads it.
    for (const object of ['Account', 'Contact'] as const) {
      const due = await rows(
        `select salesforce_id as id, revision::int from sfsync.link where object = '${object}' and reread_due`,
      );
      const [execution] = executions;
      expect((await execution?.readAgain(object, due))?.toRead).toEqual([]);
    }

    const live = (object: History['object']) =>
      [...salesforce.values()].filter(
        ({ id, deleted }) => !deleted && id.startsWith(object === 'Account' ? '001' : '003'),
      );
    expect(await rows('select salesforce_id as id, name, phone from lenders order by 1')).toEqual(
      live('Account').map(({ id, fields }) => ({ id, name: fields.Name, phone: fields.Phone })),
    );
    expect(
      await rows(`select b.salesforce_id as id, email, l.salesforce_id as parent
                    from borrowers b left join lenders l on l.id = b.lender_id order by 1`),
    ).toEqual(live('Contact').map(({ id, fields }) => ({ id, email: fields.Email, parent: fields.AccountId })));
    expect(
      await rows(`select salesforce_id from sfsync.link
                   where waiting <> '{}' or dirty or reread_due or push_id is not null or base is null`),
    ).toEqual([]);
    expect(await rows('select from sfsync.rejected_record union all select from sfsync.conflict')).toEqual([]);
    expect(await rows(`select from sfsync.link where not base_deleted`)).toHaveLength(
      live('Account').length + live('Contact').length,
    );
  },
  // Ten that wait for each other's locks, on a machine that does other things, too.
  180_000,
);
