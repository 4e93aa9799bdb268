/**
 * Person accounts: accounts that are people. An org that has them shows a field IsPersonAccount of Account and of Contact. The name of such an
 * account is composed, and a write of it is refused; the fields of the person are refused of all other accounts. Each has a contact
 * of its own that is written through the account (Person Account Record Types, SOAP API Developer Guide).
 */
import type { ObjectMapping } from './configuration.ts';
import type { DescribedObject } from './described-object.ts';
import { broken, type Drift, risky } from './drift.ts';

const MARK = 'IsPersonAccount';
const NAME_PARTS = ['FirstName', 'LastName', 'MiddleName', 'Suffix', 'Salutation'];

/** Whether only a person account has a value there. */
export function isOfPerson(field: string): boolean {
  return NAME_PARTS.includes(field) || /^Person[A-Z]/.test(field) || field.endsWith('__pc');
}

/** Whether a new record is a person account, and so needs no name of its own. */
export function makesPersons(mapping: Pick<ObjectMapping, 'object' | 'fields'>, described: DescribedObject): boolean {
  return mapping.object === 'Account' && has(described) && written(mapping).includes('LastName');
}

/** What a mapping of Account or Contact has to heed in an org with person accounts. */
export function personAccountDrift(mapping: ObjectMapping, described: DescribedObject): Drift[] {
  if (!has(described)) return [];
  if (mapping.object === 'Account') return accountDrift(mapping);
  return mapping.object === 'Contact' ? contactDrift(mapping) : [];
}

function accountDrift(mapping: ObjectMapping): Drift[] {
  const fields = written(mapping);
  const ofPerson = fields.filter(isOfPerson);
  if (fields.includes('Name')) {
    const composed = '.Name: Salesforce composes it of first and last name where the account is a person, and refuses';
    return ofPerson.length > 0
      ? [broken(`${composed} it beside ${ofPerson.join(', ')}; give it the direction to-postgres`)]
      : [
          risky(
            `${composed} a push of it; if people are among these accounts, give it the direction to-postgres, and map FirstName and LastName`,
          ),
        ];
  }
  if (ofPerson.length === 0 || mapping.filter !== undefined) return [];
  return [
    risky(
      `.${ofPerson.join(', ')}: of people only: a push of them to another account is refused; if there are others, map IsPersonAccount, and leave their rows out by a filter`,
    ),
  ];
}

function contactDrift(mapping: ObjectMapping): Drift[] {
  if (written(mapping).length === 0 && mapping.deleteRecord === 'ignore') return [];
  const isKnown = mapping.fields.some(({ field }) => field === MARK);
  if (isKnown && mapping.filter !== undefined) return [];
  return [
    risky(
      ": the contact of each person account becomes a row, too, and what is edited or deleted there has to go through the account; map IsPersonAccount (boolean, to-postgres), and leave these rows out: filter: { where: '<its column> is not true' }",
    ),
  ];
}

function has({ fields }: DescribedObject): boolean {
  return fields.some(({ name }) => name === MARK);
}

function written({ fields }: Pick<ObjectMapping, 'fields'>): string[] {
  return fields.filter(({ direction }) => direction !== 'to-postgres').map(({ field }) => field);
}
