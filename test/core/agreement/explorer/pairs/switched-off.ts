/** The rules with one of them switched off, and what then goes wrong in which scenario. */

import { ROUNDING_OFF } from '../rounding/switched-off.ts';
import { FILES_OFF } from './files-switched-off.ts';
import { PUSHES_OFF } from './pushes-switched-off.ts';
import type { Rules } from './rules.ts';
import type { Scenario } from './scenario.ts';
import type { Violation } from './verdicts.ts';

export interface SwitchedOff {
  readonly rule: string;
  readonly without: Partial<Rules>;
  readonly scenario: Scenario;
  readonly violation: Violation;
}

export const SWITCHED_OFF: readonly SwitchedOff[] = [...FILES_OFF, ...PUSHES_OFF, ...ROUNDING_OFF];
