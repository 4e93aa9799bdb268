/** Switched off: rules for what arrives, and for what is due. */
import { type Link, outgoing, type Pair, withWaiting } from '../../../../../core/agreement/link.ts';
import { RULES } from './rules.ts';
import type { SwitchedOff } from './switched-off.ts';

const withLink = (pair: Pair, link: Partial<Link>): Pair => ({ ...pair, link: { ...pair.link, ...link } });

/** A field that is new in the mapping, with a base that no side ever held. */
function guessed({ link, row }: Pair): Pair {
  const { base } = link;
  if (base === undefined || base.fields.x !== undefined) return { link, row };
  return { link: { ...link, base: { ...base, fields: { ...base.fields, x: 'guessed' } } }, row };
}

function newFields(): SwitchedOff[] {
  const without: SwitchedOff['without'] = {
    receive: (mapping, pair, ...rest) => RULES.receive(mapping, guessed(pair), ...rest),
    acceptReread: (mapping, pair, ...rest) => RULES.acceptReread(mapping, guessed(pair), ...rest),
    decide: (mapping, pair, ...rest) => RULES.decide(mapping, guessed(pair), ...rest),
    settle: (mapping, pair, ...rest) => RULES.settle(mapping, guessed(pair), ...rest),
  };
  return [
    {
      rule: 'a base that is not known is no value: an empty column clears nothing',
      without,
      scenario: { editsInSalesforce: 1, joins: 'row empty', policy: 'postgres' },
      violation: 'a conflict between a value and its own successor',
    },
    {
      rule: 'a base that is not known is no value: an empty field clears nothing',
      without,
      scenario: { editsOfRow: 1, joins: 'salesforce empty', policy: 'salesforce' },
      violation: 'a conflict between a value and its own successor',
    },
    {
      rule: 'a column that nothing was written to empties no field, where only PostgreSQL may edit it',
      without,
      scenario: { editsOfRow: 1, joins: 'row empty', direction: 'to-salesforce' },
      violation: 'more writes than edits',
    },
  ];
}

function staleWrites(): SwitchedOff[] {
  return [
    {
      rule: 'what is written with a lock version from before a write of sfsync does not know of that',
      without: { afterWrite: (link) => link },
      scenario: { editsInSalesforce: 1, staleWrites: 1, policy: 'any', crashes: 1 },
      violation: 'an edit was lost',
    },
  ];
}

function revisions(): SwitchedOff[] {
  return [
    {
      rule: 'decide checks the revision',
      without: {
        decide: (mapping, pair, look, round) =>
          RULES.decide(mapping, pair, look, { ...round, revision: pair.link.revision }),
      },
      scenario: { editsInSalesforce: 2, editsOfRow: 1 },
      violation: 'the sides differ for good',
    },
    {
      rule: 'settle checks the revision',
      without: {
        settle: (mapping, pair, readBack, outcome, round) =>
          RULES.settle(mapping, pair, readBack, outcome, { ...round, revision: pair.link.revision }),
      },
      scenario: { editsInSalesforce: 2, editsOfRow: 1 },
      violation: 'the sides differ for good',
    },
    {
      rule: 'a re-read checks the revision',
      without: {
        acceptReread: (mapping, pair, version, read) =>
          RULES.acceptReread(mapping, pair, version, { ...read, revision: pair.link.revision }),
      },
      scenario: { editsInSalesforce: 2, idlePolls: 1 },
      violation: 'the sides differ for good',
    },
    {
      rule: 'every record that arrives raises the revision',
      without: {
        receive: (mapping, pair, version, readAfter) => {
          const result = RULES.receive(mapping, pair, version, readAfter);
          const revision = result.outcome === 'merged' ? result.link.revision : pair.link.revision;
          return { ...result, link: { ...result.link, revision } };
        },
      },
      scenario: { deletesInSalesforce: 2, duplicates: 1, idlePolls: 1 },
      violation: 'the sides differ for good',
    },
  ];
}

function files(): SwitchedOff[] {
  return [
    {
      rule: 'an ambiguous file is read again',
      without: {
        receive: (...args) => {
          const result = RULES.receive(...args);
          if (result.outcome !== 'reread') return result;
          return { ...result, outcome: 'unchanged', link: { ...result.link, rereadDue: false } };
        },
      },
      scenario: { editsInSalesforce: 2 },
      violation: 'the sides differ for good',
    },
    {
      rule: 'a version no newer than the high-water mark is not merged',
      without: {
        receive: (mapping, pair, version, readAfter) =>
          RULES.receive(mapping, withLink(pair, { highWater: undefined }), version, readAfter),
      },
      scenario: { editsInSalesforce: 2 },
      violation: 'the sides differ for good',
    },
    {
      rule: 'a file from before the last fresh read is not merged',
      without: {
        receive: (mapping, pair, version) => RULES.receive(mapping, pair, version, Number.POSITIVE_INFINITY),
      },
      scenario: { editsInSalesforce: 2, editsOfRow: 1, lateCommits: 1 },
      violation: 'the sides differ for good',
    },
    {
      rule: 'files are not merged while a push is open',
      without: {
        receive: (mapping, pair, version, readAfter) => {
          const result = RULES.receive(mapping, withLink(pair, { push: undefined }), version, readAfter);
          return { ...result, link: { ...result.link, push: pair.link.push } };
        },
      },
      scenario: { editsInSalesforce: 1, editsOfRow: 1 },
      violation: 'an edit was lost that a file had shown',
    },
    {
      rule: 'what files show during a push is kept',
      without: {
        receive: (...args) => {
          const result = RULES.receive(...args);
          const { push } = args[1].link;
          return push === undefined ? result : { ...result, conflicts: [], link: { ...result.link, push } };
        },
      },
      scenario: { editsInSalesforce: 1, editsOfRow: 1, delivery: 'appflow' },
      violation: 'an edit was lost that a file had shown',
    },
    {
      rule: 'a version of which PostgreSQL has refused the row counts as the newest one',
      without: { passBy: (link) => link },
      scenario: { editsInSalesforce: 2, editsOfRow: 1, rowRefusals: 1 },
      violation: 'the sides differ for good',
    },
    {
      rule: 'a sweep compares values, not stamps',
      without: {
        findListed: (mapping, listed, known, before) => {
          const isSame = listed.stamp === known.link?.highWater && listed.deleted === known.link.deleted;
          return isSame ? undefined : RULES.findListed(mapping, listed, known, before);
        },
      },
      scenario: { editsInSalesforce: 2, hiddenCommits: 1, duplicates: 1 },
      violation: 'the sides differ for good',
    },
    {
      rule: 'an order to read again is durable',
      without: { collectsRereads: false },
      scenario: { editsInSalesforce: 2, inboundCrashes: 1 },
      violation: 'the sides differ for good',
    },
  ];
}

function due(): SwitchedOff[] {
  return [
    {
      rule: 'what a read-back leaves different is due',
      without: {
        settle: (...args) => {
          const result = RULES.settle(...args);
          return result.outcome === 'again' ? result : { ...result, link: { ...result.link, dirty: false } };
        },
      },
      scenario: { editsOfRow: 1, deletesInSalesforce: 1 },
      violation: 'the sides differ for good',
    },
    {
      rule: 'what a file leaves different is due',
      without: {
        receive: (...args) => {
          const result = RULES.receive(...args);
          return { ...result, link: { ...result.link, dirty: args[1].link.dirty } };
        },
      },
      scenario: { editsInSalesforce: 1, direction: 'to-salesforce' },
      violation: 'the sides differ for good',
    },
    {
      rule: 'what a re-read leaves different is due',
      without: {
        acceptReread: (...args) => {
          const result = RULES.acceptReread(...args);
          return result.outcome === 'again' ? result : { ...result, link: { ...result.link, dirty: false } };
        },
      },
      scenario: { editsInSalesforce: 2, editsOfRow: 1, policy: 'postgres' },
      violation: 'the sides differ for good',
    },
    {
      rule: 'a key that the queue named is due',
      without: { received: false },
      scenario: { editsOfRow: 1 },
      violation: 'the sides differ for good',
    },
    {
      rule: 'Collect takes open pushes',
      without: { collectsOpen: false },
      scenario: { editsOfRow: 1, crashes: 1 },
      violation: 'the sides differ for good',
    },
    {
      rule: 'an open push counts as a difference',
      without: {
        choose: (mapping, { link, row }) => {
          const dirty = outgoing(mapping, link, withWaiting(link, row)) !== undefined;
          return {
            link: { ...link, dirty, revision: link.revision + 1 },
            step: dirty ? 'due' : 'done',
            agrees: false,
          };
        },
        collectsOpen: false,
      },
      scenario: { editsOfRow: 2, lostAnswers: 1, editsBack: true },
      violation: 'the sides differ for good',
    },
    {
      rule: 'a key is received only when its transaction is visible',
      without: { visible: false },
      scenario: { editsOfRow: 1, earlyDecodes: 1 },
      violation: 'the sides differ for good',
    },
    {
      rule: "what a trigger makes of sfsync's own write is due",
      without: { triggersForwarded: false },
      scenario: { editsInSalesforce: 1, trigger: 'in Postgres' },
      violation: 'the sides differ for good',
    },
  ];
}

export const FILES_OFF: readonly SwitchedOff[] = [
  ...newFields(),
  ...staleWrites(),
  ...revisions(),
  ...files(),
  ...due(),
];
