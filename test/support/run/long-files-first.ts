/** The order of the test files: a long one that starts last would be waited for alone. */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The longest files, those that mostly wait between those that mostly work: so the cores have work while they wait. All
 * others follow as Vitest orders them, which knows how long they took only where they have run before.
 */
const LONG_FILES = [
  'test/package/package.test.ts',
  'test/end-to-end/promises.test.ts',
  'test/chaos/chaos.test.ts',
  'test/core/agreement/agreement.test.ts',
  'test/postgres/ledger/plans.pg.test.ts',
  'test/end-to-end/outages.test.ts',
  'test/wal-streamer/interruptions.pg.test.ts',
  'test/wal-streamer/streaming.pg.test.ts',
  'test/end-to-end/new-families.test.ts',
  'test/local/system.test.ts',
  'test/end-to-end/npm-start.test.ts',
  'test/functions/postgres-to-salesforce/inserts.test.ts',
  'test/local/main.test.ts',
  'test/functions/salesforce-to-postgres/one-bad-record.test.ts',
  'test/functions/postgres-to-salesforce/collect-changes.test.ts',
  'test/wal-streamer/installed-server.pg.test.ts',
];

export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONG_FILES.indexOf(relative(this.ctx.config.root, moduleId));
      return found === -1 ? LONG_FILES.length : found;
    };
    return (await super.sort(files)).sort((one, other) => place(one) - place(other));
  }
}
