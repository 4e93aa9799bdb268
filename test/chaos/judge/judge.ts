/** The judge: what a history shows that was promised otherwise. A pure function; each rule is a file of its own. */
import type { History } from '../history/history.ts';
import type { Excuse, Rule, Violation } from './finding.ts';
import { IndexedHistory } from './index/indexed-history.ts';
import { conflictsAreReal } from './rules/conflicts-are-real.ts';
import { deletesHaveMakers } from './rules/deletes-have-makers.ts';
import { deletesHonoured } from './rules/deletes-honoured.ts';
import { finalValue } from './rules/final-value.ts';
import { lockVersionsRise } from './rules/lock-versions-rise.ts';
import { losersLogged } from './rules/losers-logged.ts';
import { noLeaks } from './rules/no-leaks.ts';
import { noOlderValue } from './rules/no-older-value.ts';
import { nothingRoundedBack } from './rules/nothing-rounded-back.ts';
import { oneEditOneWrite } from './rules/one-edit-one-write.ts';
import { oneToOne } from './rules/one-to-one.ts';
import { oneWayFields } from './rules/one-way-fields.ts';
import { otherColumnsStay } from './rules/other-columns-stay.ts';
import { pushesAreOpen } from './rules/pushes-are-open.ts';
import { rest } from './rules/rest.ts';
import { rowsComeBackWhole } from './rules/rows-come-back-whole.ts';
import { seenComesBack } from './rules/seen-comes-back.ts';
import { sidesAgree } from './rules/sides-agree.ts';
import { valuesHaveMakers } from './rules/values-have-makers.ts';
import { writesAreKept } from './rules/writes-are-kept.ts';

export interface Verdict {
  readonly violations: readonly Violation[];
  /** What promises do not cover, by name: see finding.ts. */
  readonly excuses: Readonly<Partial<Record<Excuse, number>>>;
  /** What there was to judge. */
  readonly counted: Readonly<Record<string, number>>;
}

export const RULES: readonly Rule[] = [
  sidesAgree,
  finalValue,
  noOlderValue,
  losersLogged,
  seenComesBack,
  nothingRoundedBack,
  valuesHaveMakers,
  oneToOne,
  deletesHonoured,
  deletesHaveMakers,
  oneWayFields,
  conflictsAreReal,
  pushesAreOpen,
  oneEditOneWrite,
  rowsComeBackWhole,
  otherColumnsStay,
  lockVersionsRise,
  writesAreKept,
  rest,
  noLeaks,
];

export function judge(history: History): Verdict {
  const indexed = new IndexedHistory(history);
  const findings = RULES.map((rule) => rule(indexed));
  const excuses: Partial<Record<Excuse, number>> = {};
  for (const excuse of findings.flatMap((each) => each.excuses)) excuses[excuse] = (excuses[excuse] ?? 0) + 1;
  return { violations: findings.flatMap(({ violations }) => violations), excuses, counted: counted(indexed) };
}

function counted({ history, pairs }: IndexedHistory): Record<string, number> {
  const { operations, versions, faults, pushes, end } = history;
  const bySync = versions.filter(({ writer }) => writer.by === 'sfsync');
  const answered = (answer: string) => operations.filter((each) => each.answer === answer).length;
  return {
    operations: operations.length,
    done: answered('done'),
    refused: answered('refused'),
    unknown: answered('unknown'),
    faults: faults.length,
    pairs: pairs.length,
    versions: versions.length,
    'writes of sfsync in Salesforce': bySync.filter(({ side }) => side === 'salesforce').length,
    'writes of sfsync in PostgreSQL': bySync.filter(({ side }) => side === 'postgres').length,
    pushes: pushes.length,
    conflicts: end.conflicts.length,
    'open rejects': end.rejects.filter(({ open }) => open).length,
    'dead letters': end.deadLetters.length,
  };
}
