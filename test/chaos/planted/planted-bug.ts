/**
 * A planted bug: a mistake that somebody could make here, or has made elsewhere, as a replacement in the sources. It is put into
 * the copy of the project that a chaos run works on, and never into the project itself.
 */

/** Text that occurs exactly once in the file, and what takes its place. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A report of the same mistake elsewhere: nobody is the first to make it. */
export interface PublicReport {
  readonly of: string;
  readonly link: string;
}

export interface PlantedBug {
  /** As the command and the table name it. */
  readonly name: string;
  /** One sentence: what the program does wrong. */
  readonly says: string;
  /** `ours`: a rule here names it, or it was made here once. */
  readonly whose: 'ours' | PublicReport;
  readonly edits: readonly Edit[];
  /** Faults without which it does no harm, or hardly any; none: it shows by itself. */
  readonly faults: readonly string[];
  /** Kinds of operations (plan/kinds.ts) that it needs: they come often. @default none in particular */
  readonly operations?: readonly string[];
  /** What else puts right what it does, where that is by design; then it need not be found. */
  readonly putRightBy?: string;
  /** Within as many seeds it has to be found. */
  readonly seeds: number;
}

/** What the bug makes of the files that it is in, by their names. */
export function overlaysOf({ name, edits }: PlantedBug): Readonly<Record<string, (text: string) => string>> {
  const byFile = Map.groupBy(edits, ({ file }) => file);
  return Object.fromEntries(
    [...byFile].map(([file, found]) => [
      file,
      (text: string) => found.reduce((now, edit) => edited(name, edit, now), text),
    ]),
  );
}

/** Throws where the text to replace does not occur, or more than once: the sources have moved on, and the bug has to follow. */
function edited(name: string, { file, find, replace }: Edit, text: string): string {
  const [before, after, ...others] = text.split(find);
  if (before === undefined || after === undefined || others.length > 0) {
    throw new Error(`Planted bug "${name}" does not apply: ${file} has its text ${text.split(find).length - 1} times.`);
  }
  return before + replace + after;
}
