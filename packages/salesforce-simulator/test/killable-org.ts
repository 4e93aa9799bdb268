import { openStore } from '../../embedded-aws/store.ts';
import { startOrgSimulator } from '../org-simulator.ts';
import { LENDER_ORG } from './lender-org.ts';

// A process of its own, so that a test can kill it: `node killable-org.ts <file>` prints the org's addresses as JSON.
const [, , file] = process.argv;
const simulator = await startOrgSimulator({ port: 0, store: openStore(file), ...LENDER_ORG });
console.log(JSON.stringify(simulator));
