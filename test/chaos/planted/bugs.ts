/** All planted bugs. */
import { MERGES } from './bugs/merges.ts';
import { NEW_ROWS } from './bugs/new-rows.ts';
import { PUSHES } from './bugs/pushes.ts';
import { RECEIVING } from './bugs/receiving.ts';
import { REPORTED } from './bugs/reported.ts';
import { STREAMING } from './bugs/streaming.ts';
import type { PlantedBug } from './planted-bug.ts';

export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...MERGES,
  ...PUSHES,
  ...NEW_ROWS,
  ...STREAMING,
  ...RECEIVING,
  ...REPORTED,
];
