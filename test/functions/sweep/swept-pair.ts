/**
 * An org and a database with the sweep between them: the machine on the local interpreter, its real Lambdas, and polls
 * that see what AppFlow's would, and miss what they would miss.
 */

import { mappingOf } from '../../../core/mapping/configuration.ts';
import { readFields } from '../../../core/mapping/salesforce-record.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { realClock } from '../../../packages/embedded-aws/step-functions/clock.ts';
import type { StartedOrg } from '../../../packages/salesforce-simulator/test/started-org.ts';
import type { SalesforceConnection } from '../../../salesforce/connection.ts';
import { deleteMany } from '../../salesforce/records.ts';
import { type Ended, PipelineMachine, type Tasks } from '../../state-machines/pipeline.ts';
import type { LenderDatabase } from '../../support/postgres/lender-database.ts';
import {
  addDatabase,
  addOrg,
  invocation,
  type LambdaEnvironment,
  startLambdaEnvironment,
} from '../lambda-environment.ts';

/** How far behind the present the org begins: what it stamps is old enough for a sweep to call it missed. */
const BEHIND_SECONDS = 7200;

type Inbound = Readonly<Record<'validate' | 'map' | 'apply', (event: object) => Promise<Record<string, unknown>>>>;

export class SweptPair implements AsyncDisposable {
  readonly lambda: LambdaEnvironment;
  readonly lender: LenderDatabase;
  readonly org: StartedOrg;
  readonly #tasks: Tasks;
  readonly #inbound: Inbound;
  #behind = BEHIND_SECONDS;
  #faults: object = {};
  #watermark = 0;

  private constructor(
    lambda: LambdaEnvironment,
    lender: LenderDatabase,
    org: StartedOrg,
    tasks: Tasks,
    inbound: Inbound,
  ) {
    this.lambda = lambda;
    this.lender = lender;
    this.org = org;
    this.#tasks = tasks;
    this.#inbound = inbound;
  }

  static async start(): Promise<SweptPair> {
    const lambda = await startLambdaEnvironment();
    const lender = await addDatabase(lambda);
    const org = await addOrg(lambda);
    const applyRecords = await import('../../../functions/salesforce-to-postgres/apply-records.ts');
    const tasks: Tasks = {
      CompareRows: invocation(await import('../../../functions/sweep/compare-rows.ts')),
      OpenSweep: invocation(await import('../../../functions/sweep/open-sweep.ts')),
      ListRecords: invocation(await import('../../../functions/sweep/list-records.ts')),
      CompareLinks: invocation(await import('../../../functions/sweep/compare-links.ts')),
      CloseSweep: invocation(await import('../../../functions/sweep/close-sweep.ts')),
      ReadSalesforce: invocation(await import('../../../functions/read-salesforce.ts')),
      ApplyRecords: invocation(applyRecords),
    };
    const inbound = {
      validate: invocation<Record<string, unknown>>(
        await import('../../../functions/salesforce-to-postgres/validate-file.ts'),
      ),
      map: invocation<Record<string, unknown>>(
        await import('../../../functions/salesforce-to-postgres/map-records.ts'),
      ),
      apply: invocation<Record<string, unknown>>(applyRecords),
    };
    const pair = new SweptPair(lambda, lender, org, tasks, inbound);
    await pair.faults({});
    return pair;
  }

  get salesforce(): SalesforceConnection {
    return this.org.connection;
  }

  /** Switches faults of the org; its clock stays where it is. */
  async faults(settings: object): Promise<void> {
    this.#faults = settings;
    await this.org.call('DELETE', '~/_simulator/faults');
    await this.org.faults({ ...settings, clockSkew: { seconds: -this.#behind } });
  }

  /** Moves the org's clock on. */
  async pass(seconds: number): Promise<void> {
    this.#behind -= seconds;
    await this.faults(this.#faults);
  }

  /** Sets the org's clock back, as if something had been done then; a negative number sets it on again. */
  async rewind(seconds: number): Promise<void> {
    await this.pass(-seconds);
  }

  /** One run of the inbound flow: what is visible now and was stamped since the last run, without the present second. */
  async poll(object = 'Account'): Promise<void> {
    const until = Math.floor((Date.now() - this.#behind * 1000) / 1000) * 1000;
    const fields = readFields(mappingOf(configuration, object));
    const between = [this.#watermark, until].map((at) => new Date(at).toISOString());
    const where = `SystemModstamp >= ${between[0]} AND SystemModstamp < ${between[1]}`;
    const soql = `SELECT ${fields.join(',')} FROM ${object} WHERE ${where}`;
    const { records } = await this.salesforce.query(soql, { scanAll: true, autoFetch: true });
    this.#watermark = until;
    if (records.length === 0) return;
    const key = `salesforce/${object}/flow/run-${until}/0`;
    const size = await this.lambda.put(key, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    const at = { bucket: this.lambda.bucket, key };
    const { ranges } = await this.#inbound.validate({ ...at, size });
    const execution = `poll-${until}`;
    for (const range of ranges as object[]) {
      const { mappedKey } = await this.#inbound.map({ ...at, object, range, execution });
      const putAt = new Date().toISOString();
      await this.#inbound.apply({ from: 'file', object, mappedKey, source: key, putAt, execution });
    }
  }

  /** Lets time pass and polls, so that whatever is visible has arrived. */
  async settle(object?: string): Promise<void> {
    await this.pass(2);
    await this.poll(object);
  }

  /** Runs a sweep. Answers what it ended with and its notices. */
  async sweep(input: { object?: string; full?: boolean } = {}): Promise<Ended & { notices: object[]; events: number }> {
    const machine = new PipelineMachine('sweep', this.#tasks, {}, realClock(Date.now));
    const ended = await machine.run({ object: 'Account', full: false, ...input });
    if (ended.status !== 'SUCCEEDED') throw new Error(`${ended.error} in ${ended.states.at(-1)}`);
    return { ...ended, notices: machine.inputsOf('Notify') };
  }

  async rows<Row extends object = Record<string, unknown>>(sql: string): Promise<Row[]> {
    return (await this.lender.application.query<Row>(sql)).rows;
  }

  /** Empties both sides (the org's delete log stays), and sets the org's clock to where it began. */
  async clear(): Promise<void> {
    this.#behind = BEHIND_SECONDS;
    this.#watermark = 0;
    await this.faults({});
    const { records } = await this.salesforce.query<{ Id: string }>('SELECT Id FROM Account', { autoFetch: true });
    await deleteMany(
      this.org,
      records.map(({ Id }) => Id),
    );
    await this.org.call('POST', '~/_simulator/actions', { purge: {} });
    const tables = ['link', 'tombstone', 'rejected_record', 'conflict', 'sweep', 'sweep_listed'];
    await this.rows(`truncate lenders, borrowers, loan_applications, ${tables.map((name) => `sfsync.${name}`).join()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.org[Symbol.asyncDispose]();
    await this.lender[Symbol.asyncDispose]();
    await this.lambda[Symbol.asyncDispose]();
  }
}
