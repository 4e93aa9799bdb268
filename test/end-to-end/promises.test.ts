/**
 * The promises, on the whole system: everything that would be deployed, a real PostgreSQL, and an org over HTTP. It is
 * started once; each test takes pairs of its own, so that those of one file run at the same time.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, vi } from 'vitest';
import type { LocalSystem } from '../../local/system.ts';
import { BothSides, until } from '../support/both-sides.ts';
import { copyProject, type ProjectCopy } from '../support/project-copy.ts';
import { Traffic } from '../support/traffic.ts';
import { badInput, oneBadRecord } from './bad-input.suite.ts';
import { bothSidesAtOnce } from './both-sides-at-once.suite.ts';
import { deletes } from './deletes.suite.ts';
import { editedMeanwhile } from './edited-meanwhile.suite.ts';
import { families } from './families.suite.ts';
import { inserts } from './inserts.suite.ts';
import { killed } from './killed.suite.ts';
import { largeFile } from './large-file.suite.ts';
import { lateFiles } from './late-files.suite.ts';
import { lateRedrives } from './late-redrives.suite.ts';
import { oneEditOneWrite } from './one-edit-one-write.suite.ts';
import { personalData } from './personal-data.suite.ts';
import { salesforceAway } from './salesforce-away.suite.ts';
import { stoppedExecutions } from './stopped-executions.suite.ts';

vi.setConfig({ testTimeout: 120_000, maxConcurrency: 30 });

let project: ProjectCopy | undefined;
let system: LocalSystem | undefined;
let attached: BothSides | undefined;
let tapped: Traffic | undefined;

beforeAll(async () => {
  project = await copyProject();
  const module: typeof import('../../local/system.ts') = await import(
    pathToFileURL(join(project.directory, 'local/system.ts')).href
  );
  system = await module.startLocal({ pollMs: 1_000 });
  tapped = await Traffic.tap(system);
  attached = new BothSides(system);
  await initialLoad(attached);
  await attached.countRowWrites();
}, 120_000);

afterAll(async () => {
  await attached?.detach();
  tapped?.end();
  await system?.stop();
  await project?.[Symbol.asyncDispose]();
}, 60_000);

async function initialLoad(both: BothSides): Promise<void> {
  const count = `select (select count(*) from lenders) = 60 and (select count(*) from borrowers) = 300
      and (select count(*) from loan_applications) = 500 as loaded`;
  await until('the sample in PostgreSQL', async () => (await both.row<{ loaded: boolean }>(count))?.loaded);
  await both.rest();
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('The system has not started');
  return part;
}
const sides = () => started(attached);
const traffic = () => started(tapped);

// Each test of these minds its own pairs only.
describe.concurrent('edits', () => {
  oneEditOneWrite(sides, traffic);
  bothSidesAtOnce(sides);
  families(sides);
  lateFiles(sides);
});
badInput(sides);
deletes(sides);
editedMeanwhile(sides);
inserts(sides);
killed(sides);
lateRedrives(sides);
// Both wait a lot, and for different objects.
describe('outages', () => {
  stoppedExecutions(sides);
  salesforceAway(sides);
});
largeFile(sides);
oneBadRecord(sides);
// Last: searches what all others left.
personalData(sides, traffic);
