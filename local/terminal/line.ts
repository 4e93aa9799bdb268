/** One thing that happened, as the terminal shows it. Names and counts only, never a record's values. */
export interface Line {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Which way data went; undefined: neither. */
  readonly direction: 'salesforce-to-postgres' | 'postgres-to-salesforce' | undefined;
  /** The sobject, or the part of the system that it is about. */
  readonly object: string;
  readonly what: string;
  readonly detail: string;
  readonly durationMs: number | undefined;
  readonly tone: 'plain' | 'good' | 'warning' | 'bad';
}

const ARROWS = { 'salesforce-to-postgres': 'SF → PG', 'postgres-to-salesforce': 'PG → SF' } as const;
const COLOURS = { plain: '', good: '\u001b[32m', warning: '\u001b[33m', bad: '\u001b[31m' } as const;
const DIM = '\u001b[2m';
const RESET = '\u001b[0m';

/** Of the person at the terminal: taken when this is loaded, for the run itself then goes over to UTC. */
const CLOCK = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
});

/** The line in columns: time, direction, object, what, detail and how long it took. */
export function formatLine(line: Line, coloured: boolean): string {
  const time = CLOCK.format(line.at);
  const arrow = line.direction === undefined ? '' : ARROWS[line.direction];
  const took = line.durationMs === undefined ? '' : `  ${formatDuration(line.durationMs)}`;
  const text = `${arrow.padEnd(8)} ${line.object.padEnd(12)} ${line.what.padEnd(18)} ${line.detail}`.trimEnd();
  if (!coloured) return `${time}  ${text}${took}`;
  return `${DIM}${time}${RESET}  ${COLOURS[line.tone]}${text}${RESET}${DIM}${took}${RESET}`;
}

/** `12 ms`, `1.3 s`, `2 min 5 s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1_000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** `1 record`, `2 records`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
