/** The promises on the whole system, while nothing breaks: people and the application edit, insert and delete. */
import { describe } from 'vitest';
import { wholeSystem } from '../support/system/whole-system.ts';
import { badInput } from './bad-input.suite.ts';
import { bothSidesAtOnce } from './both-sides-at-once.suite.ts';
import { changedType } from './changed-type.suite.ts';
import { deletes } from './deletes.suite.ts';
import { editedDuringAPush } from './edited-during-a-push.suite.ts';
import { families } from './families.suite.ts';
import { inserts } from './inserts.suite.ts';
import { lateFiles } from './late-files.suite.ts';
import { oneEditOneWrite } from './one-edit-one-write.suite.ts';
import { personalData } from './personal-data.suite.ts';
import { scheduledRedrives } from './scheduled-redrives.suite.ts';

const { sides, traffic } = wholeSystem();

// Each test of these minds its own pairs only.
describe.concurrent('edits', () => {
  oneEditOneWrite(sides, traffic);
  bothSidesAtOnce(sides);
  families(sides);
  lateFiles(sides);
});
badInput(sides);
deletes(sides);
editedDuringAPush(sides);
inserts(sides);
scheduledRedrives(sides);
// A field of Account is left out from here on.
changedType(sides);
// Last: searches what all others left.
personalData(sides, traffic, ['salesforceToPostgres']);
