/** Switched off: rules for pushes and their outcomes, and for the directions of fields. */

import { mergeFresh } from '../../../../../core/agreement/inbound.ts';
import { NOTHING_REFUSED, type Pair } from '../../../../../core/agreement/link.ts';
import type { ObjectMapping } from '../../../../../core/mapping/configuration.ts';
import { RULES, type Rules } from './rules.ts';
import type { SwitchedOff } from './switched-off.ts';

/** As if it were known before that the record is deleted: nothing of it is merged into a row that is there. */
const buriesEdits: Rules['settle'] = (mapping, pair, ...rest) => {
  const { link, row } = pair;
  if (row === undefined || link.push?.sentDeleted !== true || link.base === undefined)
    return RULES.settle(mapping, pair, ...rest);
  return RULES.settle(mapping, { link: { ...link, base: { ...link.base, deleted: true } }, row }, ...rest);
};

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
      without: { settle: buriesEdits },
      scenario: { editsInSalesforce: 1, crossings: 1, leaving: 'delete', noWindow: true },
      violation: 'an edit was lost',
    },
    {
      rule: 'a push is fenced before its record is collected again',
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
      rule: 'what goes again without a refused field is not sent over what was edited since',
      without: {
        outcomeOfPush: (link, readBack, how) =>
          how.blamed !== undefined && Object.keys(link.push?.sent ?? {}).length > 1
            ? 'push again'
            : RULES.outcomeOfPush(link, readBack, how),
      },
      scenario: { editsInSalesforce: 1, editsOfRow: 2, refusals: 1, blames: true },
      violation: 'an edit was lost',
    },
    {
      rule: 'a push is settled only by the execution that has opened it, and that still has the lease',
      without: { leased: false, settlesOwn: false },
      scenario: { editsOfRow: 2, refusals: 1, lostLeases: 1 },
      violation: 'an edit was lost',
    },
    {
      rule: 'a run that counted failures is believed only for records that hold what was sent',
      without: {
        outcomeOfPush: (link, readBack, how) =>
          how.flowFailures === undefined ? RULES.outcomeOfPush(link, readBack, how) : 'accepted',
      },
      scenario: { editsOfRow: 1, refusals: 1, delivery: 'appflow' },
      violation: 'an edit was lost',
    },
    {
      rule: 'a run that counted failures is not repeated over what was edited since',
      without: {
        outcomeOfPush: (link, readBack, how) => {
          const outcome = RULES.outcomeOfPush(link, readBack, how);
          return outcome === 'unknown' ? 'push again' : outcome;
        },
      },
      scenario: { editsInSalesforce: 1, editsOfRow: 1, countedFailures: 1, delivery: 'appflow' },
      violation: 'an edit was lost',
    },
    {
      rule: 'nothing is restored over what a push that was refused has not overwritten',
      without: {
        settle: (mapping, { link, row }, readBack, outcome, round) => {
          const result = RULES.settle(mapping, { link, row }, readBack, outcome, round);
          const x = link.push?.seen.x;
          if (result.outcome === 'again' || result.row === undefined || x?.sure !== true) return result;
          const { sent } = link.push ?? {};
          if (readBack.fields.x !== sent?.x?.value || result.row.fields.x !== sent?.x?.value) return result;
          const restored = { ...result.row, fields: { ...result.row.fields, x: x.value } };
          return { ...result, row: restored, link: { ...result.link, dirty: true } };
        },
      },
      scenario: { editsInSalesforce: 2, editsOfRow: 1, refusals: 1, sameValue: true },
      violation: 'an edit was lost',
    },
    {
      rule: 'the base takes what was accepted also where PostgreSQL refuses the row of the read-back',
      without: {
        setAside: (pair, version, outcome, round) =>
          RULES.setAside(pair, version, outcome === 'accepted' ? 'not applied' : outcome, round),
      },
      scenario: { editsInSalesforce: 2, editsOfRow: 1, rowRefusals: 1 },
      violation: 'a conflict between a value and its own successor',
    },
    {
      rule: 'what the row still has to send is due again when a version is merged after one that PostgreSQL has refused',
      without: {
        setAside: (pair, ...rest) => {
          const link = RULES.setAside(pair, ...rest);
          const { x, y } = pair.row?.fields ?? {};
          return { ...link, refused: { ...link.refused, fields: { x: String(x), y: String(y) } } };
        },
      },
      scenario: { editsInSalesforce: 2, editsOfRow: 1, rowRefusals: 1 },
      violation: 'the sides differ for good',
    },
    {
      rule: 'a delete that has buried an edit is looked at until the row that keeps it is there',
      without: {
        setAside: (...args) => ({ ...RULES.setAside(...args), push: undefined }),
      },
      scenario: { editsInSalesforce: 1, deletesOfRow: 1, rowRefusals: 1, noWindow: true },
      violation: 'an edit was lost',
    },
    {
      rule: 'only what Salesforce has refused counts as refused where a read shows nothing',
      without: {
        giveUp: (mapping, pair, how) => {
          const link = RULES.giveUp(mapping, pair, how);
          const { x, y } = pair.row?.fields ?? {};
          return { ...link, refused: { ...link.refused, fields: { x: String(x), y: String(y) } } };
        },
      },
      scenario: { editsOfRow: 2, editsBack: true, unread: 1, lostAnswers: 1 },
      violation: 'the sides differ for good',
    },
    {
      rule: 'a push of which it is not known whether it landed stays open while reads show nothing',
      without: {
        giveUp: (...args) => ({ ...RULES.giveUp(...args), push: undefined }),
      },
      scenario: { editsOfRow: 2, editsBack: true, unread: 1, lostAnswers: 1 },
      violation: 'an edit was lost',
    },
    {
      rule: 'a read that cannot be used is no proof that the record of a row that is gone is gone, too',
      without: {
        giveUp: (mapping, pair, how) => RULES.giveUp(mapping, pair, { ...how, isMissing: true }),
      },
      scenario: { editsInSalesforce: 1, deletesOfRow: 1, unread: 1 },
      violation: 'an edit was lost',
    },
    {
      rule: 'a file from before a read that shows nothing is only a hint',
      without: {
        giveUp: (mapping, pair, how) => RULES.giveUp(mapping, pair, { ...how, readAt: 0 }),
      },
      scenario: { editsInSalesforce: 1, editsOfRow: 1, unread: 1, lostAnswers: 1, policy: 'any' },
      violation: 'the sides differ for good',
    },
    {
      rule: 'a run without failures is not believed for a record that is as before',
      without: {
        outcomeOfPush: (link, readBack, how) => {
          const outcome = RULES.outcomeOfPush(link, readBack, how);
          return outcome === 'push again' && how.flowFailures === 0 ? 'accepted' : outcome;
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

function undirected(mapping: ObjectMapping): ObjectMapping {
  return { ...mapping, fields: mapping.fields.map((field) => ({ ...field, direction: 'both' })) };
}

/** The pair as if nothing had been sent. */
function forgotten(pair: Pair): Pair {
  return { ...pair, link: { ...pair.link, push: undefined } };
}

export const PUSHES_OFF: readonly SwitchedOff[] = [...pushes(), ...directions()];
