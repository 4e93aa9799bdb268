/**
 * The Lambdas, as the state machines call them: what goes in and comes out is JSON. A handler reads its environment when it
 * is imported, so each is imported at its first call.
 */
import { afterAll, beforeAll, expect } from 'vitest';
import type { z } from 'zod';
import type * as inbound from '../../core/contracts/inbound-tasks.ts';
import type * as outbound from '../../core/contracts/outbound-tasks.ts';
import type { StartedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import type { LenderDatabase } from '../support/postgres/lender-database.ts';
import {
  addDatabase,
  addOrg,
  invocation,
  type LambdaEnvironment,
  startLambdaEnvironment,
} from './lambda-environment.ts';

type Output<Schema extends z.ZodType> = z.input<Schema>;
type Loaded = Promise<{ readonly handler: unknown }>;

/** What `Collect changes` answers; which members there are depends on `next`. */
export interface Collected {
  readonly next: 'push' | 'fence' | 'hand over' | 'end';
  readonly reason?: string;
  readonly batchId: string;
  readonly recordsKey: string;
  readonly records?: number;
}
export type Applied = Output<typeof inbound.applyRecordsOutput>;
export type Decided = Output<typeof outbound.decideChangesOutput>;
export type Settled = Output<typeof outbound.settleBatchOutput>;

function called<Answer>(load: () => Loaded): (event: object) => Promise<Answer> {
  let call: ((event: object) => Promise<Answer>) | undefined;
  return async (event) => {
    call ??= invocation<Answer>(await load());
    return call(event);
  };
}

/** For the handlers of this test file. */
export function lambdas() {
  return {
    validateFile: called<Output<typeof inbound.validateFileOutput>>(
      () => import('../../functions/salesforce-to-postgres/validate-file.ts'),
    ),
    mapRecords: called<Output<typeof inbound.mapRecordsOutput>>(
      () => import('../../functions/salesforce-to-postgres/map-records.ts'),
    ),
    applyRecords: called<Applied>(() => import('../../functions/salesforce-to-postgres/apply-records.ts')),
    readSalesforce: called<Output<typeof inbound.readSalesforceOutput>>(
      () => import('../../functions/read-salesforce.ts'),
    ),
    collectChanges: called<Collected>(() => import('../../functions/postgres-to-salesforce/collect-changes.ts')),
    decideChanges: called<Decided>(() => import('../../functions/postgres-to-salesforce/decide-changes.ts')),
    pushRecords: called<Output<typeof outbound.pushRecordsOutput>>(
      () => import('../../functions/postgres-to-salesforce/push-records.ts'),
    ),
    deleteRecords: called<Output<typeof outbound.pushRecordsOutput>>(
      () => import('../../functions/postgres-to-salesforce/delete-records.ts'),
    ),
    settleBatch: called<Settled>(() => import('../../functions/postgres-to-salesforce/settle-batch.ts')),
    openCircuit: called<Output<typeof outbound.openCircuitOutput>>(
      () => import('../../functions/postgres-to-salesforce/open-circuit.ts'),
    ),
  };
}

/** What a test file has around its Lambdas: one environment with the sample's database and an org, for all of its tests. */
export interface Surroundings {
  readonly lambda: LambdaEnvironment;
  readonly lender: LenderDatabase;
  readonly org: StartedOrg;
}

export function useSurroundings(): Surroundings {
  let started: Surroundings | undefined;
  const open = () => started ?? expect.unreachable('nothing is started before the first test');
  beforeAll(async () => {
    const lambda = await startLambdaEnvironment();
    started = { lambda, lender: await addDatabase(lambda), org: await addOrg(lambda) };
  });
  afterAll(async () => {
    await started?.org[Symbol.asyncDispose]();
    await started?.lender[Symbol.asyncDispose]();
    await started?.lambda[Symbol.asyncDispose]();
  });
  return {
    get lambda() {
      return open().lambda;
    },
    get lender() {
      return open().lender;
    },
    get org() {
      return open().org;
    },
  };
}
