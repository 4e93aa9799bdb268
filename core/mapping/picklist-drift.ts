/** Where the `values` of a field and its picklist in Salesforce name different values. */
import type { FieldMapping } from './configuration.ts';
import type { DescribedField } from './described-object.ts';
import { broken, type Drift, risky } from './drift.ts';

/**
 * The texts do not name the field. What a record type leaves out no describe says: such a value is refused for single records.
 * A value that the picklist does not offer may still be in old records.
 */
export function picklistDrift({ type, direction }: FieldMapping, found: DescribedField): Drift[] {
  const { mapped } = type;
  const { picklistValues = [], restrictedPicklist } = found;
  if (mapped === undefined || picklistValues.length === 0) return [];
  const named = mapped.flatMap(({ value }) => (value === null ? [] : String(value)));
  const offered = picklistValues.flatMap(({ value, active }) => (active && value ? [value] : []));
  const spellings = new Map(offered.map((value) => [value.toLowerCase(), value]));
  const misspelled = named.filter((value) => !offered.includes(value) && spellings.has(value.toLowerCase()));
  const drifts = misspelled.map((value) =>
    broken(
      `\`values\` names '${value}', which Salesforce spells '${spellings.get(value.toLowerCase())}'; do so in sync.config.ts`,
    ),
  );
  const known = new Set([...named, ...misspelled.flatMap((value) => spellings.get(value.toLowerCase()) ?? [])]);
  const without = offered.filter((value) => !known.has(value));
  if (direction !== 'to-salesforce' && without.length > 0) {
    drifts.push(
      risky(
        `may be ${list(without)} in Salesforce, without an entry in \`values\`: such a record is rejected; add one`,
      ),
    );
  }
  const unknown = named.filter((value) => !spellings.has(value.toLowerCase()));
  if (direction !== 'to-postgres' && unknown.length > 0) {
    const effect = restrictedPicklist === true ? 'refuses it' : 'keeps it as a value outside of the picklist';
    drifts.push(
      risky(
        `\`values\` names ${list(unknown)}, which the picklist does not offer: Salesforce ${effect}; add it there, or remove it where no record has it`,
      ),
    );
  }
  return drifts;
}

function list(values: readonly string[]): string {
  return values.map((value) => `'${value}'`).join(', ');
}
