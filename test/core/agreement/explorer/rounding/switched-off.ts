/** Switched off: rules about values that one of the sides cannot hold as the other does. */
import type { Link, Pair } from '../../../../../core/agreement/link.ts';
import type { ObjectMapping } from '../../../../../core/mapping/configuration.ts';
import { FIELD_TYPES } from '../../../../../core/mapping/field-types/field-types.ts';
import type { SalesforceVersion } from '../../../../../core/mapping/salesforce-version.ts';
import { RULES, type Rules } from '../pairs/rules.ts';
import type { SwitchedOff } from '../pairs/switched-off.ts';

/** The rules, asked about something else and answering something else. */
function changed(
  change: {
    readonly mapping?: (mapping: ObjectMapping) => ObjectMapping;
    readonly version?: (version: SalesforceVersion) => SalesforceVersion;
    readonly link?: (link: Link, before: Link) => Link;
  },
  which: readonly (keyof Rules)[] = ['receive', 'acceptReread', 'decide', 'settle'],
): Partial<Rules> {
  const { mapping = (each) => each, version = (each) => each, link = (each) => each } = change;
  const after = <Result extends object>(pair: Pair, result: Result): Result =>
    'link' in result ? { ...result, link: link(result.link as Link, pair.link) } : result;
  const all: Partial<Rules> = {
    receive: (m, pair, v, ...rest) => after(pair, RULES.receive(mapping(m), pair, version(v), ...rest)),
    acceptReread: (m, pair, v, ...rest) => after(pair, RULES.acceptReread(mapping(m), pair, version(v), ...rest)),
    decide: (m, pair, v, ...rest) => after(pair, RULES.decide(mapping(m), pair, version(v), ...rest)),
    settle: (m, pair, v, ...rest) => after(pair, RULES.settle(mapping(m), pair, version(v), ...rest)),
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => which.includes(name as keyof Rules)));
}

const asText = (mapping: ObjectMapping): ObjectMapping => ({
  ...mapping,
  fields: mapping.fields.map((each) => ({ ...each, type: FIELD_TYPES.text })),
});

export const ROUNDING_OFF: readonly SwitchedOff[] = [
  {
    rule: 'what the column makes of a value is known before it is compared',
    without: changed({ version: ({ inColumns: _, ...version }) => version }),
    scenario: { editsInSalesforce: 1, editsOfRow: 1, rounds: 'the column' },
    violation: 'what the column made of a value was sent back',
  },
  {
    rule: 'what the row holds in place of the base is remembered',
    without: changed({ link: (link) => ({ ...link, inexact: {} }) }),
    scenario: { editsInSalesforce: 1, editsOfRow: 1, rounds: 'the column' },
    violation: 'a conflict between a value and its own successor',
  },
  {
    rule: 'nothing stands any more for a value that was sent',
    without: changed({ link: (link, before) => ({ ...link, inexact: { ...before.inexact, ...link.inexact } }) }, [
      'settle',
    ]),
    scenario: { editsOfRow: 2, editsBack: true, rounds: 'the column' },
    violation: 'the sides differ for good',
  },
  {
    rule: 'what Salesforce makes of our value is our value',
    without: changed({ mapping: asText }),
    scenario: { editsOfRow: 1, rounds: 'Salesforce' },
    violation: 'the row lost what Salesforce has rounded',
  },
];
