/**
 * Drives the rules of agreement through all interleavings of small histories: people and triggers in Salesforce, the
 * application, files late, twice and out of order, crashes, lost answers and pushes that outlive their execution.
 */
import { describe, expect, test } from 'vitest';
import { explore } from './explorer/explore.ts';
import { RULES, type Rules } from './explorer/moves.ts';
import type { Scenario } from './explorer/world.ts';

const SCENARIOS: readonly Scenario[] = [
  { editsInSalesforce: 1, editsOfRow: 1 },
  { editsInSalesforce: 1, editsOfRow: 1, delivery: 'appflow' },
  { editsInSalesforce: 1, editsOfRow: 1, policy: 'postgres' },
  { editsInSalesforce: 1, editsOfRow: 1, policy: 'latest', crashes: 1, seconds: 2 },
  { editsInSalesforce: 2, editsOfRow: 1, seconds: 1 },
  { editsInSalesforce: 2, editsOfRow: 1, seconds: 1, delivery: 'appflow' },
  { editsInSalesforce: 1, editsOfRow: 2, seconds: 1 },
  { editsInSalesforce: 1, editsOfRow: 1, crashes: 1, lostAnswers: 1, seconds: 2 },
  { editsInSalesforce: 1, editsOfRow: 1, crashes: 1, lostAnswers: 1, seconds: 1, delivery: 'appflow' },
  { editsInSalesforce: 1, editsOfRow: 1, duplicates: 1, idlePolls: 1, seconds: 1 },
  { editsInSalesforce: 1, editsOfRow: 1, lateCommits: 1, crashes: 1, seconds: 2 },
  { editsInSalesforce: 1, editsOfRow: 1, refusals: 1, crashes: 1, seconds: 2 },
  { editsOfRow: 2, refusals: 2, seconds: 1 },
  { editsOfRow: 2, refusals: 1, lostAnswers: 1, seconds: 1 },
  { editsInSalesforce: 1, editsOfRow: 1, trigger: 'normalises x' },
  { editsInSalesforce: 1, editsOfRow: 1, trigger: 'writes y', crashes: 1, seconds: 2 },
  { editsOfRow: 2, crashes: 1, lostAnswers: 1 },
  { editsOfRow: 2, earlyDecodes: 1, crashes: 1 },
  { editsInSalesforce: 1, deletesOfRow: 1, crashes: 1 },
  { editsOfRow: 1, deletesInSalesforce: 1, crashes: 1 },
  { deletesInSalesforce: 1, deletesOfRow: 1, crashes: 1 },
  { deletesInSalesforce: 2, deletesOfRow: 1, seconds: 1 },
  { deletesOfRow: 2, editsInSalesforce: 1, seconds: 1 },
  { deletesInSalesforce: 2, editsOfRow: 1, seconds: 1 },
  { editsInSalesforce: 1, editsOfRow: 1, deletesOfRow: 1, seconds: 1 },
  { deletesOfRow: 1, deleteRecord: 'hard', editsInSalesforce: 1, seconds: 1 },
  { deletesOfRow: 1, deleteRecord: 'hard', deletesInSalesforce: 1, lostAnswers: 1, seconds: 1 },
  { deletesOfRow: 2, deleteRecord: 'hard', crashes: 1, seconds: 1 },
  { crossings: 2, leaving: 'delete', editsInSalesforce: 1, crashes: 1, seconds: 1 },
  { crossings: 2, leaving: 'delete', editsOfRow: 1, refusals: 1, seconds: 1 },
  { crossings: 2, leaving: 'delete', deletesInSalesforce: 1, seconds: 1 },
  { crossings: 1, leaving: 'delete', editsInSalesforce: 1, deletesOfRow: 1, seconds: 1 },
  { crossings: 2, leaving: 'ignore', editsInSalesforce: 1, editsOfRow: 1, seconds: 1 },
  { crossings: 2, leaving: 'ignore', deletesInSalesforce: 1, editsOfRow: 1, seconds: 1 },
];

describe('in every interleaving the sides end equal, no edit is lost, and nothing echoes', () => {
  test.for(SCENARIOS.map((scenario) => [JSON.stringify(scenario), scenario] as const))('%s', ([, scenario]) => {
    const { violations } = explore(scenario);
    expect(Object.fromEntries(violations)).toEqual({});
  });
});

/** Rules with one of them off, and a history that then goes wrong. */
const BROKEN: readonly { readonly off: string; readonly rules: Partial<Rules>; readonly scenario: Scenario }[] = [
  {
    off: 'decide checks the revision',
    rules: {
      decide: (mapping, pair, look, round) =>
        RULES.decide(mapping, pair, look, { ...round, revision: pair.link.revision }),
    },
    scenario: { editsInSalesforce: 2, editsOfRow: 1, seconds: 1 },
  },
  {
    off: 'settle checks the revision',
    rules: {
      settle: (mapping, pair, readBack, outcome, round) =>
        RULES.settle(mapping, pair, readBack, outcome, { ...round, revision: pair.link.revision }),
    },
    scenario: { editsInSalesforce: 2, editsOfRow: 1, seconds: 1 },
  },
  {
    off: 'the base takes what was accepted before the read-back is merged',
    rules: {
      settle: (mapping, pair, readBack, _outcome, round) => RULES.settle(mapping, pair, readBack, 'not applied', round),
    },
    scenario: { editsInSalesforce: 1, editsOfRow: 1 },
  },
  {
    off: 'a re-read checks the revision',
    rules: {
      acceptReread: (mapping, pair, version, read) =>
        RULES.acceptReread(mapping, pair, version, { ...read, revision: pair.link.revision }),
    },
    scenario: { editsInSalesforce: 2, idlePolls: 1, seconds: 1 },
  },
  {
    off: 'every inbound record raises the revision',
    rules: {
      receive: (mapping, pair, version, readAfter) => {
        const result = RULES.receive(mapping, pair, version, readAfter);
        const raised = result.outcome === 'merged' ? result.link.revision : pair.link.revision;
        return { ...result, link: { ...result.link, revision: raised } };
      },
    },
    scenario: { deletesInSalesforce: 2, duplicates: 1, idlePolls: 1, seconds: 1 },
  },
  {
    off: 'what a merge keeps is due',
    rules: {
      settle: (...args) => {
        const result = RULES.settle(...args);
        return result.outcome === 'again' ? result : { ...result, link: { ...result.link, dirty: false } };
      },
    },
    scenario: { editsOfRow: 1, deletesInSalesforce: 1, seconds: 1 },
  },
  {
    off: 'files are not merged while a push is open',
    rules: {
      receive: (mapping, pair, version, readAfter) => {
        const { push } = pair.link;
        const result = RULES.receive(mapping, { ...pair, link: { ...pair.link, push: undefined } }, version, readAfter);
        return { ...result, link: { ...result.link, push } };
      },
    },
    scenario: { editsInSalesforce: 1, editsOfRow: 1, seconds: 2 },
  },
  {
    off: 'what files show during a push is kept',
    rules: {
      receive: (...args) => {
        const result = RULES.receive(...args);
        const { push } = args[1].link;
        return push === undefined ? result : { ...result, conflicts: [], link: { ...result.link, push } };
      },
    },
    scenario: { editsInSalesforce: 1, editsOfRow: 1, seconds: 2, delivery: 'appflow' },
  },
  {
    off: 'fillers are part of what was sent',
    rules: {
      decide: (...args) => {
        const decision = RULES.decide(...args);
        if (decision.outcome !== 'push' || decision.link.push === undefined) return decision;
        const sent = Object.fromEntries(Object.entries(decision.link.push.sent).filter(([, { filler }]) => !filler));
        return { ...decision, link: { ...decision.link, push: { ...decision.link.push, sent } } };
      },
    },
    scenario: { editsInSalesforce: 1, editsOfRow: 1, seconds: 2, delivery: 'appflow' },
  },
  {
    off: 'a delete is checked by the read-back',
    rules: {
      settle: (mapping, pair, readBack, outcome, round) => {
        const buried = readBack.deleted && pair.link.push?.sentDeleted === true && pair.link.base !== undefined;
        const asExpected = buried ? { ...readBack, fields: pair.link.base?.fields ?? {} } : readBack;
        return RULES.settle(mapping, pair, asExpected, outcome, round);
      },
    },
    scenario: { editsInSalesforce: 1, deletesOfRow: 1, seconds: 1, noWindow: true },
  },
  {
    off: 'a record is emptied from the recycle bin only when the delete has been verified',
    rules: {
      settle: (mapping, pair, readBack, ...rest) => {
        const result = RULES.settle(mapping, pair, readBack, ...rest);
        const { push, purgeDue } = pair.link;
        if (result.outcome === 'again' || push?.sentDeleted !== true || purgeDue || !readBack.deleted) return result;
        const base = { fields: {}, ...result.link.base, deleted: true };
        return {
          ...result,
          row: undefined,
          conflicts: [],
          link: { ...result.link, base, purgeDue: true, dirty: true },
        };
      },
    },
    scenario: { editsInSalesforce: 1, deletesOfRow: 1, deleteRecord: 'hard', seconds: 1, noWindow: true },
  },
  {
    off: 'what the delete for a row outside the filter has buried lives on in the row',
    rules: {
      settle: (mapping, { link, row }, ...rest) =>
        RULES.settle(mapping, { link, row: row && { ...row, outside: undefined } }, ...rest),
    },
    scenario: { editsInSalesforce: 1, crossings: 1, leaving: 'delete', seconds: 1, noWindow: true },
  },
  {
    off: 'an ambiguous file is read again',
    rules: {
      receive: (...args) => {
        const result = RULES.receive(...args);
        return result.outcome === 'reread'
          ? { ...result, outcome: 'unchanged', link: { ...result.link, rereadDue: false } }
          : result;
      },
    },
    scenario: { editsInSalesforce: 2, editsOfRow: 0, seconds: 1 },
  },
  {
    off: 'a push is fenced before its record is taken in hand again',
    rules: { fenced: false },
    scenario: { editsOfRow: 2, crashes: 1, seconds: 1 },
  },
  {
    off: 'a key is received only when its transaction is visible',
    rules: { visible: false },
    scenario: { editsOfRow: 1, earlyDecodes: 1 },
  },
];

describe('each rule is needed: without it the explorer finds a history that goes wrong', () => {
  test.for(BROKEN)('$off', ({ rules, scenario }) => {
    if (scenario.noWindow === true) expect(explore(scenario).violations.size).toBe(0);
    expect(explore(scenario, { rules: { ...RULES, ...rules }, stopAtFirst: true }).violations.size).toBeGreaterThan(0);
  });
});
