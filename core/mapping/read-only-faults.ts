/** What does not go with a read-only object, and what goes with such an object only. */
import type { ObjectMapping, SyncDefinition } from './configuration.ts';

type ObjectDefinition = SyncDefinition['objects'][string];

/** Options that say what is done in Salesforce. */
const TO_SALESFORCE = ['insert', 'externalId', 'deleteRecord', 'deleteGuard', 'delivery'] as const;

/** `given`: the object as sync.config.ts has it. */
export function readOnlyFaults(mapping: ObjectMapping, given: ObjectDefinition | undefined): string[] {
  const at = `objects.${mapping.object}`;
  if (mapping.direction === 'both') return writableFaults(mapping, given);
  const options = TO_SALESFORCE.filter((option) => given?.[option] !== undefined);
  const fields = Object.entries(given?.fields ?? {}).filter(
    ([, { direction = 'to-postgres' }]) => direction !== 'to-postgres',
  );
  const { where, leaving } = given?.filter ?? {};
  return [
    ...(where === undefined && leaving === undefined
      ? []
      : [
          `${at}.filter: where and leaving say what goes to Salesforce, and the object is to-postgres; keep values alone, which say what its rows have`,
        ]),
    ...options.map(
      (option) => `${at}.${option}: the object is to-postgres, so nothing of it goes to Salesforce; remove it`,
    ),
    ...fields.map(
      ([field, { direction }]) =>
        `${at}.fields.${field}: direction (is ${JSON.stringify(direction)}) is against that of the object, to-postgres; remove one of the two`,
    ),
  ];
}

/** Before a write Salesforce is looked at, and what was edited is told by the stamp and by the recycle bin. */
function writableFaults(
  { object, recycleBin, stampField }: ObjectMapping,
  given: ObjectDefinition | undefined,
): string[] {
  const at = `objects.${object}`;
  const faults: string[] = [];
  if (given?.recycleBin === undefined && !recycleBin) {
    faults.push(
      `${at}: records of ${object} have no IsDeleted, so it can be read only; give the object the direction to-postgres`,
    );
  } else if (!recycleBin) {
    faults.push(`${at}.recycleBin: only a read-only object does without; give the object the direction to-postgres`);
  }
  if (stampField !== 'SystemModstamp') {
    faults.push(
      `${at}.stamp: ${stampField} does not move with every change; leave it out, or give the object the direction to-postgres`,
    );
  }
  return faults;
}
