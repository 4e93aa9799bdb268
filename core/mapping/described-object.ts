/** What of an object Salesforce describes to our user, as far as it matters here. */

/** A field as the describe call answers it (REST API Developer Guide, sObject Describe). */
export interface DescribedField {
  readonly name: string;
  /** `string`, `currency`, ... */
  readonly type: string;
  /** Characters; 0 for types that have none. */
  readonly length: number;
  /** Digits right of the point. */
  readonly scale: number;
  /** Digits of a number, in all. */
  readonly precision?: number | undefined;
  readonly nillable: boolean;
  readonly createable: boolean;
  readonly updateable: boolean;
  readonly defaultedOnCreate: boolean;
  /** Objects that a lookup may point to. */
  readonly referenceTo: readonly string[];
  /** What the picklist offers, whatever the record type; inactive values may be missing. */
  readonly picklistValues?: readonly { readonly value: string | null; readonly active: boolean }[] | undefined;
  /** Salesforce refuses what the picklist does not offer. */
  readonly restrictedPicklist?: boolean | undefined;
  readonly externalId?: boolean | undefined;
  readonly unique?: boolean | undefined;
  readonly caseSensitive?: boolean | undefined;
  /** A formula or a roll-up. */
  readonly calculated?: boolean | undefined;
  readonly autoNumber?: boolean | undefined;
  /** A rich text area. */
  readonly htmlFormatted?: boolean | undefined;
  /** Our user reads a mask in the place of its values, as far as is known. */
  readonly isMasked?: boolean | undefined;
}

export interface DescribedObject {
  readonly queryable: boolean;
  readonly updateable: boolean;
  readonly deletable: boolean;
  /** Those that our user may see. */
  readonly fields: readonly DescribedField[];
}
