/** The promises on the whole system, while its parts and its surroundings break: killed, stopped, refused, away. */
import { describe } from 'vitest';
import { wholeSystem } from '../support/system/whole-system.ts';
import { oneBadRecord } from './bad-input.suite.ts';
import { killed } from './killed.suite.ts';
import { largeFile } from './large-file.suite.ts';
import { lateRedrives } from './late-redrives.suite.ts';
import { personalData } from './personal-data.suite.ts';
import { salesforceAway } from './salesforce-away.suite.ts';
import { stoppedExecutions } from './stopped-executions.suite.ts';

const { sides, traffic } = wholeSystem();

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
personalData(sides, traffic, ['salesforceToPostgres', 'postgresToSalesforce']);
