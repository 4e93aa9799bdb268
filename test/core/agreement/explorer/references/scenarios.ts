/** What is explored of children and parents: small histories at every run, larger ones with `EXPLORE=deep`. */
import type { Scenario } from './world.ts';

export const SCENARIOS: readonly Scenario[] = [
  // A child before its parent, and what may happen to the two in between.
  { child: 'new', duplicates: 2 },
  { child: 'new', other: 'record', editsInSalesforce: 1, duplicates: 1 },
  { child: 'new', other: 'pair', editsOfRow: 2 },
  { child: 'new', other: 'pair', editsInSalesforce: 1, editsOfRow: 1 },
  { child: 'new', other: 'pair', editsInSalesforce: 1, editsOfRow: 1, policy: 'postgres' },
  { child: 'new', otherEdits: 1, crashes: 1, duplicates: 1 },
  { child: 'new', deletesOfParents: 2, duplicates: 1, stampsFollowers: true },
  { child: 'new', other: 'pair', deletesOfParents: 2, editsInSalesforce: 1 },
  // A parent that goes and comes back.
  { child: 'linked', deletesOfParents: 2, otherEdits: 1, crashes: 1 },
  { child: 'linked', other: 'pair', deletesOfParents: 2, editsOfRow: 1 },
  { child: 'linked', other: 'pair', deletesOfParents: 1, editsOfRow: 1, refusals: 1 },
  { child: 'linked', other: 'pair', deletesOfParents: 1, editsInSalesforce: 1, stampsFollowers: true },
  { child: 'linked', deletesOfParents: 2, deletesOfChild: 2 },
  { child: 'linked', deletesOfParents: 1, deletesOfChild: 1, otherEdits: 1 },
  // In the transaction that writes the child.
  { child: 'linked', deletesOfParents: 2, otherEdits: 1, oneObject: true },
  { child: 'linked', other: 'pair', deletesOfParents: 1, editsOfRow: 1, oneObject: true },
  { child: 'linked', other: 'pair', deletesOfParents: 1, editsInSalesforce: 1, oneObject: true },
  { child: 'linked', other: 'pair', merges: 1, editsInSalesforce: 1, oneObject: true },
  // Parents that are merged.
  { child: 'linked', other: 'record', merges: 1, otherEdits: 1, crashes: 1 },
  { child: 'linked', other: 'pair', merges: 1, editsInSalesforce: 1, stampsFollowers: true },
  { child: 'linked', other: 'pair', merges: 1, editsOfRow: 1, policy: 'postgres' },
  { child: 'linked', other: 'pair', merges: 1, deletesOfParents: 1, editsOfRow: 1 },
  { child: 'linked', other: 'pair', merges: 1, otherEdits: 1, mergesClear: true },
  { child: 'new', other: 'record', merges: 1, editsInSalesforce: 1 },
  { child: 'new', other: 'record', merges: 1, otherEdits: 1 },
  // A parent that the application has made: its row has no Salesforce id at first.
  { child: 'linked', other: 'row', editsOfRow: 1, otherEdits: 1 },
  { child: 'linked', other: 'row', editsOfRow: 2 },
  { child: 'linked', other: 'row', editsOfRow: 1, editsInSalesforce: 1 },
  { child: 'linked', other: 'row', editsOfRow: 1, crashes: 1, refusals: 1 },
];

/** Explored with EXPLORE=deep. */
export const DEEP: readonly Scenario[] = [
  { child: 'new', other: 'record', editsInSalesforce: 2, duplicates: 1 },
  { child: 'new', other: 'record', editsInSalesforce: 1, otherEdits: 1, crashes: 1 },
  { child: 'new', other: 'record', merges: 1, editsInSalesforce: 1, editsOfRow: 1, crashes: 1 },
  { child: 'new', other: 'pair', editsInSalesforce: 2, editsOfRow: 1 },
  { child: 'new', other: 'row', editsOfRow: 1, editsInSalesforce: 1, crashes: 1 },
  { child: 'linked', other: 'pair', merges: 1, editsInSalesforce: 1, editsOfRow: 1 },
  { child: 'linked', other: 'pair', merges: 1, editsInSalesforce: 1, editsOfRow: 1, policy: 'postgres' },
  { child: 'linked', other: 'record', merges: 1, otherEdits: 1, editsInSalesforce: 1 },
  { child: 'linked', other: 'pair', deletesOfParents: 2, editsInSalesforce: 1, editsOfRow: 1 },
  { child: 'linked', other: 'pair', deletesOfParents: 1, deletesOfChild: 1, otherEdits: 1, editsOfRow: 1 },
  { child: 'linked', other: 'row', editsOfRow: 1, editsInSalesforce: 1, crashes: 1 },
  { child: 'linked', other: 'pair', deletesOfParents: 2, merges: 1, otherEdits: 1 },
];
