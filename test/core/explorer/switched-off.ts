/** The rules with one of them switched off, and what then goes wrong in which scenario. */
import { type equalsBase, mergeFresh } from '../../../core/inbound.ts';
import { type Link, NOTHING_REFUSED, newLink, outgoing, type Pair, withWaiting } from '../../../core/link.ts';
import { RULES, type Rules } from './rules.ts';
import type { Scenario } from './scenario.ts';
import type { Violation } from './verdicts.ts';

export interface SwitchedOff {
  readonly rule: string;
  readonly without: Partial<Rules>;
  readonly scenario: Scenario;
  readonly violation: Violation;
}

const withLink = (pair: Pair, link: Partial<Link>): Pair => ({ ...pair, link: { ...pair.link, ...link } });

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
        collect: (mapping, { link, row }) => ({
          ...link,
          dirty: outgoing(mapping, link, withWaiting(link, row)) !== undefined,
          revision: link.revision + 1,
        }),
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

function pushes(): SwitchedOff[] {
  return [
    {
      rule: 'the base takes what was accepted before the read-back is merged',
      without: {
        settle: (mapping, pair, readBack, _outcome, round) =>
          RULES.settle(mapping, pair, readBack, 'not applied', round),
      },
      scenario: { editsInSalesforce: 1, editsOfRow: 1 },
      violation: 'a conflict between a value and its own successor',
    },
    {
      rule: 'our own write is known by what was sent',
      without: {
        decide: (mapping, pair, look, round) => RULES.decide(mapping, forgotten(pair), look, round),
      },
      scenario: { editsOfRow: 2, crashes: 1, editsBack: true },
      violation: 'an edit was lost',
    },
    {
      rule: 'while an outcome is unknown, a row equal to its base does not take what Salesforce holds',
      without: {
        decide: (mapping, pair, look, round) => {
          if (pair.link.revision !== round.revision) return { outcome: 'left' };
          const merged = mergeFresh(mapping, pair, look, { readAt: round.readAt, unknown: false });
          const { revision } = pair.link;
          const link = { ...merged.link, push: undefined, revision };
          return RULES.decide(mapping, { link, row: merged.row }, look, round);
        },
      },
      scenario: { editsOfRow: 2, crashes: 1, editsBack: true, trigger: 'normalises x' },
      violation: 'an edit was lost',
    },
    {
      rule: 'while an outcome is unknown, a push that may have been undone is logged',
      without: {
        decide: (...args) => {
          const decision = RULES.decide(...args);
          if (decision.outcome === 'left') return decision;
          const conflicts = decision.conflicts.filter(({ reason }) => reason !== 'push may have been undone');
          return { ...decision, conflicts };
        },
      },
      scenario: { editsOfRow: 1, deletesInSalesforce: 2, crashes: 1 },
      violation: 'an edit was lost',
    },
    {
      rule: 'fillers are part of what was sent',
      without: {
        decide: (...args) => {
          const decision = RULES.decide(...args);
          if (decision.outcome !== 'push' || decision.link.push === undefined) return decision;
          const sent = Object.fromEntries(Object.entries(decision.link.push.sent).filter(([, { filler }]) => !filler));
          return { ...decision, link: { ...decision.link, push: { ...decision.link.push, sent } } };
        },
      },
      scenario: { editsInSalesforce: 1, editsOfRow: 1, delivery: 'appflow' },
      violation: 'an edit was lost that a file had shown',
    },
    {
      rule: 'a delete is checked by the read-back',
      without: {
        settle: (mapping, pair, readBack, outcome, round) => {
          const buried = readBack.deleted && pair.link.push?.sentDeleted === true && pair.link.base !== undefined;
          const asExpected = buried ? { ...readBack, fields: pair.link.base?.fields ?? {} } : readBack;
          return RULES.settle(mapping, pair, asExpected, outcome, round);
        },
      },
      scenario: { editsInSalesforce: 1, deletesOfRow: 1, noWindow: true },
      violation: 'an edit was lost',
    },
    {
      rule: 'a record is emptied from the recycle bin only when the delete has been verified',
      without: {
        settle: (mapping, pair, readBack, ...rest) => {
          const result = RULES.settle(mapping, pair, readBack, ...rest);
          const { push, purgeDue } = pair.link;
          if (result.outcome === 'again' || push?.sentDeleted !== true || purgeDue || !readBack.deleted) return result;
          const base = { fields: {}, ...result.link.base, deleted: true };
          const link = { ...result.link, base, purgeDue: true, dirty: true };
          return { ...result, row: undefined, conflicts: [], link };
        },
      },
      scenario: { editsInSalesforce: 1, deletesOfRow: 1, deleteRecord: 'hard', noWindow: true },
      violation: 'an edit was lost',
    },
    {
      rule: 'what the delete for a row outside the filter has buried lives on in the row',
      without: {
        settle: (mapping, { link, row }, ...rest) =>
          RULES.settle(mapping, { link, row: row && { ...row, outside: undefined } }, ...rest),
      },
      scenario: { editsInSalesforce: 1, crossings: 1, leaving: 'delete', noWindow: true },
      violation: 'an edit was lost',
    },
    {
      rule: 'a push is fenced before its record is taken in hand again',
      without: { fenced: false },
      scenario: { editsOfRow: 2, crashes: 1 },
      violation: 'an edit was lost',
    },
    {
      rule: 'what was refused is remembered',
      without: {
        settle: (...args) => {
          const result = RULES.settle(...args);
          if (result.outcome === 'again') return result;
          return { ...result, link: { ...result.link, refused: NOTHING_REFUSED, dirty: args[3] === 'refused' } };
        },
      },
      scenario: { editsOfRow: 1, refusals: 2 },
      violation: 'a refused value was pushed again',
    },
    {
      rule: 'a run that counted failures is believed only for records that hold what was sent',
      without: { outcomeOfRun: () => 'accepted' },
      scenario: { editsOfRow: 1, refusals: 1, delivery: 'appflow' },
      violation: 'an edit was lost',
    },
    {
      rule: 'a run without failures is not believed for a record that is as before',
      without: {
        outcomeOfRun: (link, readBack, failures) => {
          const outcome = RULES.outcomeOfRun(link, readBack, failures);
          return outcome === 'push again' && failures === 0 ? 'accepted' : outcome;
        },
      },
      scenario: { editsOfRow: 1, deletesInSalesforce: 2, delivery: 'appflow' },
      violation: 'an edit was lost',
    },
    {
      rule: 'only what both sides may edit is kept when a file shows it during a push',
      without: {
        receive: (mapping, pair, ...args) => {
          const seen = pair.link.push === undefined ? mapping : undirected(mapping);
          return RULES.receive(seen, pair, ...args);
        },
      },
      scenario: { editsInSalesforce: 1, editsOfRow: 1, direction: 'to-salesforce' },
      violation: 'a conflict in a field that goes one way',
    },
  ];
}

function directions(): SwitchedOff[] {
  const bothWays: Partial<Rules> = {
    receive: (mapping, ...args) => RULES.receive(undirected(mapping), ...args),
    acceptReread: (mapping, ...args) => RULES.acceptReread(undirected(mapping), ...args),
    decide: (mapping, ...args) => RULES.decide(undirected(mapping), ...args),
    settle: (mapping, ...args) => RULES.settle(undirected(mapping), ...args),
  };
  return (['to-postgres', 'to-salesforce'] as const).map((direction) => ({
    rule: `a field goes ${direction} only`,
    without: bothWays,
    scenario: { editsInSalesforce: 1, editsOfRow: 1, direction },
    violation: 'a conflict in a field that goes one way',
  }));
}

function undirected(mapping: Parameters<typeof equalsBase>[0]): Parameters<typeof equalsBase>[0] {
  return { ...mapping, fields: mapping.fields.map((field) => ({ ...field, direction: 'both' })) };
}

/** The pair as if nothing had been sent. */
function forgotten(pair: Pair): Pair {
  return withLink(pair, { push: newLink(pair.link.salesforceId, undefined).push });
}

export const SWITCHED_OFF: readonly SwitchedOff[] = [
  ...revisions(),
  ...files(),
  ...due(),
  ...pushes(),
  ...directions(),
];
