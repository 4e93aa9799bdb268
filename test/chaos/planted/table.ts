/** What has become of the planted bugs, for the terminal and as a document. */
import type { PassEntry } from './pass.ts';
import type { PlantedBug } from './planted-bug.ts';

export interface Row {
  readonly bug: PlantedBug;
  /** undefined: it was not hunted yet. */
  readonly entry: PassEntry | undefined;
}

/** One line for the terminal. */
export function lineOf({ bug, entry }: Row): string {
  return `${bug.name.padEnd(46)} ${outcomeOf(entry)}`;
}

function outcomeOf(entry: PassEntry | undefined): string {
  if (entry === undefined) return 'not hunted yet';
  const time = minutes(entry.ms);
  switch (entry.outcome) {
    case 'found':
      return `found by ${entry.rules.join(', ')}: seed ${entry.seeds}, ${time}`;
    case 'not found':
      return `NOT FOUND in ${entry.seeds} seeds, ${time}`;
    case 'failed':
      return `the run failed: ${entry.says ?? 'no reason'}`;
    default:
      return entry.outcome satisfies never;
  }
}

/** The document. Bugs that were not hunted stand in it, too: a table that leaves out what it does not know would flatter. */
export function documentOf(rows: readonly Row[]): string {
  const hunted = rows.flatMap(({ entry }) => (entry === undefined || entry.outcome === 'failed' ? [] : entry));
  const found = hunted.filter(({ outcome }) => outcome === 'found');
  const dates = hunted.map(({ at }) => at.slice(0, 10)).sort();
  const commits = [...new Set(hunted.map(({ commit }) => commit))];
  const seeds = found.map((entry) => entry.seeds).sort((a, b) => a - b);
  return [
    '# Planted bugs',
    '',
    'A proof is worth what it would catch. Each of these is a mistake that somebody could make, or has made: a replacement in the sources,',
    'put into the copy of the project on which a chaos run works. The run goes on seed by seed, with the faults and the operations that the mistake needs, until its judge finds a violation of a rule that the same seed keeps without it.',
    'Written by `npm run chaos:planted`; how to repeat it: [test/chaos/planted/README.md](../test/chaos/planted/README.md).',
    '',
    `${rows.length} bugs; ${hunted.length} hunted, ${found.length} found${seeds.length === 0 ? '' : `, half of them within ${seeds[Math.floor((seeds.length - 1) / 2)]} seed(s)`}. ` +
      `${period(dates)}, commit ${commits.map((commit) => `\`${commit}\``).join(', ') || 'none'}.`,
    '',
    '| bug | what it does | whose | with, more than usual | found by the rule | seeds | time |',
    '|---|---|---|---|---|---|---|',
    ...rows.map(documentRow),
    '',
  ].join('\n');
}

function period(dates: readonly string[]): string {
  const [first, last] = [dates[0], dates.at(-1)];
  if (first === undefined) return 'Not run yet';
  return first === last ? first : `${first} to ${last}`;
}

function documentRow({ bug, entry }: Row): string {
  const { name, says, whose, faults, operations = [], edits } = bug;
  const files = [...new Set(edits.map(({ file }) => `[${file}](../${file})`))].join(', ');
  const by = whose === 'ours' ? 'ours' : `[${whose.of}](${whose.link})`;
  const cells = [
    name,
    `${says} ${files}`,
    by,
    [...faults, ...operations].join(', ') || 'nothing',
    ...resultCells(bug, entry),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function resultCells(
  { putRightBy }: PlantedBug,
  entry: PassEntry | undefined,
): [rule: string, seeds: string, time: string] {
  if (entry === undefined || entry.outcome === 'failed') return ['not hunted yet', '', ''];
  const missed = putRightBy === undefined ? '**not found**' : `not found: ${putRightBy}`;
  const rules = entry.outcome === 'found' ? entry.rules.join(', ') : missed;
  return [rules, String(entry.seeds), minutes(entry.ms)];
}

function minutes(ms: number): string {
  return ms < 60_000 ? `${Math.round(ms / 1000)} s` : `${(ms / 60_000).toFixed(1)} min`;
}
