import type { FieldValues } from './canonical.ts';
import type { Instant } from './instant.ts';

/** From what travels between the steps, which leaves out what is undefined. */
export function versionOf(
  read: Omit<SalesforceVersion, 'mergedInto' | 'inColumns'> & { readonly mergedInto?: string | undefined },
): SalesforceVersion {
  return { ...read, mergedInto: read.mergedInto };
}

/** A record as Salesforce held it when it was read, from a file or by a fresh read. */
export interface SalesforceVersion {
  /** 18 characters. */
  readonly id: string;
  readonly deleted: boolean;
  /** The survivor of a Salesforce merge, on a deleted loser. */
  readonly mergedInto: string | undefined;
  readonly stamp: Instant;
  /** The row key that the record names, where the object takes inserts. */
  readonly externalId?: string | undefined;
  /** The mapped fields. A field that is absent was not read, which is not null: such a version is read again. */
  readonly fields: FieldValues;
  /** What the columns of the row make of values that they cannot hold exactly; absent: they hold all of them as they are. */
  readonly inColumns?: FieldValues | undefined;
}
