import { expect, test } from 'vitest';
import { type Direction, defineSync, picklist } from '../../../core/mapping/configuration.ts';
import type { DescribedField } from '../../../core/mapping/described-object.ts';
import type { ValueMap } from '../../../core/mapping/field-types/value-map.ts';
import { picklistDrift } from '../../../core/mapping/picklist-drift.ts';

const STAGE: DescribedField = {
  name: 'StageName',
  type: 'picklist',
  length: 255,
  scale: 0,
  nillable: true,
  createable: true,
  updateable: true,
  defaultedOnCreate: false,
  referenceTo: [],
  picklistValues: [
    { value: 'Open', active: true },
    { value: 'Won', active: true },
    { value: 'Lost', active: false },
  ],
};

function drift(values: ValueMap, direction: Direction = 'both', more: Partial<DescribedField> = {}): string[] {
  const [mapping] = defineSync({
    objects: { Opportunity: { table: 'loans', fields: { StageName: picklist('stage', { values, direction }) } } },
  }).objects;
  const [field] = mapping?.fields ?? [];
  if (field === undefined) return expect.unreachable('there is one field');
  return picklistDrift(field, { ...STAGE, ...more }).map(({ kind, text }) => `${kind} ${text}`);
}

test.for<[values: ValueMap, direction: Direction, drifts: string[]]>([
  [{ Open: 0, Won: 1 }, 'both', []],
  [{ Open: 0, Won: 1, '': 9 }, 'both', []],
  [
    { Open: 0 },
    'both',
    ["risky may be 'Won' in Salesforce, without an entry in `values`: such a record is rejected; add one"],
  ],
  [{ Open: 0 }, 'to-salesforce', []],
  [
    { open: 0, Won: 1 },
    'both',
    ["broken `values` names 'open', which Salesforce spells 'Open'; do so in sync.config.ts"],
  ],
  // Old records may still have it.
  [{ Open: 0, Won: 1, Lost: 2 }, 'to-postgres', []],
  [
    { Open: 0, Won: 1, Lost: 2, Lots: 3 },
    'both',
    [
      "risky `values` names 'Lost', 'Lots', which the picklist does not offer: Salesforce keeps it as a value outside of the picklist; add it there, or remove it where no record has it",
    ],
  ],
])('%j (%s) and the picklist: %j', ([values, direction, drifts]) => {
  expect(drift(values, direction)).toEqual(drifts);
});

test('a restricted picklist refuses what it does not offer', () => {
  expect(drift({ Open: 0, Won: 1, Lots: 3 }, 'both', { restrictedPicklist: true })).toEqual([
    expect.stringContaining('Salesforce refuses it'),
  ]);
});

test('two values of the picklist that differ in case have an entry each', () => {
  const both = [...(STAGE.picklistValues ?? []), { value: 'WON', active: true }];
  expect(drift({ Open: 0, Won: 1 }, 'both', { picklistValues: both })).toEqual([
    expect.stringContaining("may be 'WON' in Salesforce"),
  ]);
  expect(drift({ Open: 0, Won: 1, WON: 2 }, 'both', { picklistValues: both })).toEqual([]);
});

test('a field without a picklist has none to compare with', () => {
  expect(drift({ Anything: 0 }, 'both', { picklistValues: undefined })).toEqual([]);
  expect(drift({ Anything: 0 }, 'both', { picklistValues: [] })).toEqual([]);
});
