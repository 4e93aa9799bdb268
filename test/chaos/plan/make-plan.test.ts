import { expect, test } from 'vitest';
import { KINDS } from './kinds.ts';
import { makePlan, type PlanOptions } from './make-plan.ts';

const FAULTS = [
  { name: 'one', lasts: [500, 2_000], excludes: ['system'] },
  { name: 'other', lasts: [0, 0], excludes: ['system', 'database'] },
  { name: 'third', lasts: [100, 3_000], excludes: [] },
] as const;
const OPTIONS: PlanOptions = {
  operations: 5_000,
  lengthMs: 120_000,
  faults: FAULTS,
  faultCount: 50,
  herd: 30,
  mappingChanges: 2,
};

test('a seed and its options make one plan', () => {
  expect(makePlan(7, OPTIONS)).toEqual(makePlan(7, OPTIONS));
  expect(makePlan(8, OPTIONS)).not.toEqual(makePlan(7, OPTIONS));
});

test('other faults leave the operations as they are', () => {
  expect(makePlan(7, { ...OPTIONS, faultCount: 3 }).operations).toEqual(makePlan(7, OPTIONS).operations);
});

test('operations are numbered as they come, and each kind occurs', () => {
  const { operations } = makePlan(8, OPTIONS);
  expect(operations.length).toBeGreaterThanOrEqual(OPTIONS.operations);
  expect(operations.map(({ number }) => number)).toEqual(operations.map((_, i) => i + 1));
  expect(operations.map(({ at }) => at)).toEqual(operations.map(({ at }) => at).toSorted((a, b) => a - b));
  expect([...new Set(operations.map(({ kind }) => kind))].toSorted()).toEqual(Object.keys(KINDS).toSorted());
});

test('faults that exclude each other are not planned at once', () => {
  const { faults } = makePlan(7, OPTIONS);
  expect(faults.length).toBeGreaterThan(30);
  const excluding = faults.filter(({ name }) => name !== 'third');
  for (const [i, fault] of excluding.entries()) {
    const next = excluding[i + 1];
    if (next !== undefined) expect(fault.at + fault.lastsMs).toBeLessThan(next.at);
  }
});

test('each change of the mapping changes something', () => {
  const { fields, mappingChanges } = makePlan(7, OPTIONS);
  expect(mappingChanges).toHaveLength(2);
  let before = fields;
  for (const change of mappingChanges) {
    expect(change.fields).not.toEqual(before);
    before = change.fields;
  }
});
