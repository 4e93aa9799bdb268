import { afterAll } from 'vitest';
import { Assembly } from './assembly.ts';
import { describeCompute } from './compute.suite.ts';
import { describeFlows } from './flows.suite.ts';
import { describeOperations } from './operations.suite.ts';
import { describePermissions } from './permissions.suite.ts';
import { describeStorage } from './storage.suite.ts';

// One synthesis for all of them: it bundles every Lambda.
const assembly = new Assembly();
afterAll(() => assembly[Symbol.dispose]());

describeStorage(assembly);
describeFlows(assembly);
describeCompute(assembly);
describePermissions(assembly);
describeOperations(assembly);
