/** An enum of the application says in its own words what a picklist of Salesforce says: which label is which value. */
import type { DescribedField } from '../../core/mapping/described-object.ts';
import type { ColumnFacts } from './facts.ts';
import { bare } from './names.ts';

export interface EnumValues {
  /** What the column holds for each value; undefined: no label is any value, so there is nothing to propose. */
  readonly values: Readonly<Record<string, string>> | undefined;
  /** What has no counterpart. */
  readonly remark: string | undefined;
}

/** By letters and digits alone: `UNDER_REVIEW` is `Under Review`. undefined: the labels are the values, or it is no enum. */
export function enumValues({ picklistValues = [] }: DescribedField, { labels }: ColumnFacts): EnumValues | undefined {
  const offered = (picklistValues ?? []).flatMap(({ value, active }) => (active && value ? [value] : []));
  if (!labels || labels.length === 0 || offered.length === 0) return undefined;
  if (offered.every((value) => labels.includes(value))) return undefined;
  const entries = offered.flatMap((value): [string, string][] => {
    const label = labels.find((each) => each === value) ?? onlyOne(labels.filter((each) => bare(each) === bare(value)));
    return label === undefined ? [] : [[value, label]];
  });
  const used = entries.map(([, label]) => label);
  const isAmbiguous = new Set(used).size < used.length;
  const matched = isAmbiguous ? [] : entries;
  const without = offered.filter((value) => matched.every(([each]) => each !== value));
  const left = labels.filter((label) => matched.every(([, each]) => each !== label));
  const remarks = [
    ...(without.length > 0 ? [`no label for ${list(without)}: such a record is rejected`] : []),
    ...(left.length > 0 ? [`no value for label ${list(left)}: such a row is not sent`] : []),
    ...(without.length + left.length > 0 ? ["name each label's value in values"] : []),
  ];
  return {
    values: matched.length === 0 ? undefined : Object.fromEntries(matched),
    remark: remarks.length === 0 ? undefined : remarks.join('; '),
  };
}

function onlyOne(labels: readonly string[]): string | undefined {
  return labels.length === 1 ? labels[0] : undefined;
}

/** A long picklist is not listed as a whole. */
function list(values: readonly string[]): string {
  const named = values.slice(0, 5).map((value) => `'${value}'`);
  return values.length > named.length
    ? `${named.join(', ')} and ${values.length - named.length} more`
    : named.join(', ');
}
