/** The shortest history found, for the terminal: what the clients did, what went wrong meanwhile, and the journey of the record. */
import type { History } from '../history/history.ts';
import type { Violation } from '../judge/finding.ts';
import { type JourneyOptions, journey } from '../judge/journey.ts';

export function shortestHistory(history: History, violation: Violation, options: JourneyOptions = {}): string {
  const { operations, faults } = history;
  const from = Math.min(...operations.map(({ begun }) => begun), ...faults.map(({ begun }) => begun));
  const seconds = (at: number) => `${((at - from) / 1000).toFixed(3).padStart(9)} s`;
  const acts = operations.map(({ begun, side, kind, object, targets, answer, code, number }) => {
    const named = targets.length <= 3 ? targets.join(' ') : `${targets.length} ${object}s`;
    const answered = code === undefined ? answer : `${answer} ${code}`;
    return { at: begun, text: `${String(number).padStart(4)}  ${side} ${kind} ${object} ${named}  ${answered}` };
  });
  const wrongs = faults.map(({ begun, ended, name, detail }) => {
    return { at: begun, text: `      fault ${name} ${detail} for ${((ended - begun) / 1000).toFixed(1)} s` };
  });
  const lines = [...acts, ...wrongs].sort((one, other) => one.at - other.at);
  const { object, salesforceId, rowKey, rule, says, versions } = violation;
  return [
    `${rule}: ${says}`,
    ...lines.map(({ at, text }) => `${seconds(at)}  ${text}`),
    ...(object === undefined
      ? []
      : ['', journey(history, { object, salesforceId, rowKey }, { ...options, marked: versions })]),
  ].join('\n');
}
