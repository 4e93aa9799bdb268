import { describe, expect, test } from 'vitest';
import { boolean, defineSync, mappingOf, type SyncDefinition, text } from '../../../core/mapping/configuration.ts';
import type { DescribedField } from '../../../core/mapping/described-object.ts';
import { salesforceDrift } from '../../../core/mapping/org-drift.ts';

type ObjectDefinition = SyncDefinition['objects'][string];

const field = (name: string, more: Partial<DescribedField> = {}): DescribedField => ({
  ...{ name, type: 'string', length: 80, scale: 0, nillable: true, createable: true, updateable: true },
  ...{ defaultedOnCreate: false, referenceTo: [] },
  ...more,
});
const readOnly = { createable: false, updateable: false };
const SYSTEM = [
  field('IsDeleted', { type: 'boolean', ...readOnly }),
  field('SystemModstamp', { type: 'datetime', ...readOnly }),
];
const MARK = field('IsPersonAccount', { type: 'boolean', ...readOnly, nillable: false });

/** What check says of the object, in an org that has person accounts or none. */
function said(
  object: 'Account' | 'Contact',
  definition: Partial<ObjectDefinition> & Pick<ObjectDefinition, 'fields'>,
  mark: readonly DescribedField[] = [MARK],
): string[] {
  const mapping = mappingOf(defineSync({ objects: { [object]: { table: 'lenders', ...definition } } }), object);
  const names = ['FirstName', 'LastName', 'PersonEmail', 'Rating__pc', 'Phone'];
  const fields = [...SYSTEM, ...mark, field('Name', { nillable: false }), ...names.map((name) => field(name))];
  const described = { queryable: true, updateable: true, deletable: true, fields };
  return salesforceDrift(mapping, described, []).map(({ kind, text: line }) => `${kind} ${line}`);
}

const Name = text('name');
const toPostgres = { direction: 'to-postgres' } as const;
const PERSON = { FirstName: text('first_name'), LastName: text('last_name') };

describe('Account', () => {
  test('an org without person accounts has nothing to heed', () => {
    expect(said('Account', { fields: { Name } }, [])).toEqual([]);
    expect(said('Contact', { fields: { Name } }, [])).toEqual([]);
  });

  test('a name that is written is told, and beside the parts of a name it is refused', () => {
    expect(said('Account', { fields: { Name } })).toEqual([
      expect.stringMatching(
        /^risky Account\.Name: Salesforce composes it .* give it the direction to-postgres, and map FirstName/,
      ),
    ]);
    expect(said('Account', { fields: { Name, ...PERSON, PersonEmail: text('email') } })).toEqual([
      expect.stringMatching(
        /^broken .* refuses it beside FirstName, LastName, PersonEmail; give it the direction to-postgres$/,
      ),
    ]);
  });

  test('a person needs no name of its own; its fields are of people only, which a filter may say', () => {
    const fields = { ...PERSON, Name: text('name', toPostgres), Rating__pc: text('rating') };
    expect(said('Account', { fields })).toEqual([
      expect.stringMatching(/^risky Account\.FirstName, LastName, Rating__pc: of people only/),
    ]);
    expect(said('Account', { fields, filter: { where: 'is_person is not false' } })).toEqual([]);
  });

  test('one that only follows is left alone', () => {
    expect(said('Account', { direction: 'to-postgres', fields: { Name, ...PERSON } })).toEqual([]);
  });
});

describe('Contact', () => {
  test('the contacts of person accounts are told, with the filter that leaves them out', () => {
    const Phone = text('phone');
    const name = { LastName: text('name'), Name: text('full_name', toPostgres) };
    expect(said('Contact', { fields: { Phone, LastName: name.LastName } }).join()).toMatch(
      /risky Contact: the contact of each person account .* is not true' }/,
    );
    const IsPersonAccount = boolean('is_person', toPostgres);
    const filter = { where: 'is_person is not true' };
    expect(said('Contact', { fields: { Phone, IsPersonAccount }, filter }).join()).not.toMatch('person account');
    expect(said('Contact', { fields: { Phone, IsPersonAccount } }).join()).toMatch('person account');
    expect(said('Contact', { direction: 'to-postgres', fields: { Phone } })).toEqual([]);
  });
});
