/** Files of the project's copy that differ from the project's: what makes faults possible inside of what is deployed. */
import type { Overlay } from '../../support/system/project-copy.ts';

export const OVERLAYS: Readonly<Record<string, Overlay>> = {
  // All records are made by the run, so that each has a history from its beginning.
  'examples/lender/seed.ts': 'export default () => [];\n',
};
