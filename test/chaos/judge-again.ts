/** `npm run chaos -- --judge FILE`: the verdict on a history that a run has left, and the journey of each pair that it names. */
import { readHistory } from './history/history-file.ts';
import { type JourneyOptions, journey } from './judge/journey.ts';
import { judge } from './judge/judge.ts';
import { verdictTable } from './judge/table.ts';

export async function judgeAgain(
  file: string,
  options: Pick<JourneyOptions, 'values'> = {},
): Promise<{ readonly text: string; readonly violations: number }> {
  const history = await readHistory(file);
  const verdict = judge(history);
  const marked = verdict.violations.flatMap(({ versions }) => versions);
  // Several rules may name one pair: its journey is told once.
  const journeys = new Set(
    verdict.violations.flatMap(({ object, salesforceId, rowKey }) =>
      object === undefined ? [] : journey(history, { object, salesforceId, rowKey }, { ...options, marked }),
    ),
  );
  return { text: [verdictTable(history, verdict), ...journeys].join('\n\n'), violations: verdict.violations.length };
}
