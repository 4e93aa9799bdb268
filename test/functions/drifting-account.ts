/** The Lambdas of both pipelines over one object whose fields and columns come and go while it is in use. */
import { mappingOf } from '../../core/mapping/configuration.ts';
import configuration from '../../examples/lender/sync.config.ts';
import type { StartedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import type { LenderDatabase } from '../support/postgres/lender-database.ts';
import { addDatabase, addOrg, type LambdaEnvironment, startLambdaEnvironment } from './lambda-environment.ts';
import { type Applied, type Decided, lambdas, type Settled } from './lambdas.ts';

interface Round {
  readonly next: string;
  readonly decided?: Decided;
  readonly settled?: Settled;
}
export interface DriftingAccount extends AsyncDisposable {
  readonly lambda: LambdaEnvironment;
  readonly lender: LenderDatabase;
  readonly org: StartedOrg;
  /** A statement of the application. */
  rows(sql: string): Promise<Record<string, unknown>[]>;
  /** What AppFlow writes of the record now, but for the fields to leave out, goes through the inbound pipeline. */
  file(id: string, left?: readonly string[]): Promise<Applied>;
  /** What AppFlow writes of the records now, but for the fields to leave out. */
  linesOf(ids: readonly string[], left?: readonly string[]): Promise<string>;
  /** A file of such lines goes through the inbound pipeline. */
  lines(lines: string): Promise<Applied>;
  /** Edits the record, at a later second than all that was. */
  edit(id: string, fields: Readonly<Record<string, unknown>>): Promise<void>;
  /**
   * One round of the outbound pipeline for what is due. What goes by AppFlow stays open, unless its run is to fail: then it
   * goes through the API.
   */
  round(flow?: 'fails'): Promise<Round>;
  /** Empty tables, and one pair: Acme, phone 1, website w. Answers its id. */
  agreedAccount(): Promise<string>;
  /** Milliseconds that the clock of the Lambdas is ahead by; the test puts it into Date.now. */
  ahead: number;
}

/** `object`: the one whose records `file`, `edit` and `round` are about. */
export async function startDriftingAccount(object = 'Account'): Promise<DriftingAccount> {
  const lambda = await startLambdaEnvironment();
  const lender = await addDatabase(lambda);
  const org = await addOrg(lambda);
  const { mapRecords, applyRecords, readSalesforce, collectChanges, decideChanges, pushRecords, settleBatch } =
    lambdas();
  let files = 0;
  let rounds = 0;
  const pick = ({ versionsKey, readAt }: { versionsKey: string; readAt: string }) => ({ versionsKey, readAt });
  async function linesOf(ids: readonly string[], left: readonly string[] = []): Promise<string> {
    const fields = mappingOf(configuration, object)
      .fields.map(({ field }) => field)
      .filter((field) => !left.includes(field));
    const found = await org.connection.query(
      `SELECT Id, IsDeleted, SystemModstamp, ${fields.join(', ')} FROM ${object} WHERE Id IN ('${ids.join("','")}')`,
    );
    return found.records.map(({ attributes: _, ...record }) => `${JSON.stringify(record)}\n`).join('');
  }

  async function carry(lines: string): Promise<Applied> {
    const run = ++files;
    const source = `salesforce/${object}/flow/run-${run}/0`;
    const size = await lambda.put(source, lines);
    const range = { start: 0, end: size, firstLine: 1 };
    const execution = `file-${run}`;
    const { mappedKey } = await mapRecords({ bucket: lambda.bucket, key: source, object, range, execution });
    const putAt = new Date(Date.now() + 24 * 3_600_000).toISOString();
    const applied = await applyRecords({ from: 'file', object, mappedKey, source, putAt, execution });
    if (applied.rereadKey === undefined) return applied;
    const read = await readSalesforce({ object, recordsKey: applied.rereadKey, execution });
    const again = await applyRecords({ from: 'reread', object, ...pick(read), source, execution, attempt: 1 });
    return {
      ...again,
      inserted: applied.inserted + again.inserted,
      updated: applied.updated + again.updated,
      rejected: applied.rejected + again.rejected,
      // What is reported once is reported by every step of the execution; the machine joins them.
      reasons: [
        ...new Map([...applied.reasons, ...again.reasons].map((each) => [JSON.stringify(each), each])).values(),
      ],
    };
  }

  const account: DriftingAccount = {
    lambda,
    lender,
    org,
    ahead: 0,
    rows: async (sql) => (await lender.application.query(sql)).rows,
    linesOf,
    lines: carry,
    file: async (id, left = []) => carry(await linesOf([id], left)),
    async edit(id, fields) {
      // Stamps have a second: a later one distinguishes the versions.
      account.ahead += 2000;
      await org.connection.sobject(object).update({ Id: id, ...fields });
    },
    async round(flow) {
      const folder = `drifting-${++rounds}`;
      const execution = `arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:${folder}`;
      const { next, recordsKey, batchId } = await collectChanges({
        object,
        trigger: 'changes',
        execution,
        batches: 0,
        fenced: true,
      });
      if (next !== 'push') return { next };
      const look = await readSalesforce({ object, recordsKey, execution: folder });
      const decided = await decideChanges({ object, execution, batchId, ...pick(look) });
      const { updatesKey, csvKey, pushedKey } = decided;
      const batch = { object, execution, batchId };
      const back = async (recordsKey: string | undefined) => {
        return pick(await readSalesforce({ object, recordsKey, execution: folder }));
      };
      const push = async (pushKey: string, notAfter: string) => {
        return (await pushRecords({ object, pushKey, notAfter, execution: folder })).outcomesKey;
      };
      const outcomesKeys = updatesKey === undefined ? [] : [await push(updatesKey, decided.notAfter)];
      if (updatesKey === undefined && (csvKey === undefined || flow === undefined)) return { next, decided };
      const flowFailures = csvKey === undefined ? {} : { flowFailures: 1 };
      const settled = await settleBatch({
        ...batch,
        ...(await back(pushedKey)),
        outcomesKeys,
        ...flowFailures,
        attempt: 1,
      });
      const { pushAgainKey, pushedAgainKey, notAfter = '' } = settled;
      if (pushAgainKey === undefined) return { next, decided, settled };
      const again = [...outcomesKeys, await push(pushAgainKey, notAfter)];
      const settledAgain = await settleBatch({
        ...batch,
        ...(await back(pushedAgainKey)),
        outcomesKeys: again,
        attempt: 2,
      });
      return { next, decided, settled: settledAgain };
    },
    async agreedAccount() {
      await lender.application.query(
        `truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.drift, sfsync.mapped_column,
                  sfsync.rejected_record, sfsync.conflict, sfsync.lease`,
      );
      const { id = '' } = await org.connection.sobject(object).create({ Name: 'Acme', Phone: '1', Website: 'w' });
      const { inserted, due } = await account.file(id);
      if (inserted !== 1 || due) throw new Error('the account did not become a pair');
      return id;
    },
    async [Symbol.asyncDispose]() {
      await org[Symbol.asyncDispose]();
      await lender[Symbol.asyncDispose]();
      await lambda[Symbol.asyncDispose]();
    },
  };
  return account;
}
