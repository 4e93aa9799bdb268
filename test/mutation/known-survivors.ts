/** Mutants that are known to survive, each with the reason: `known-survivors.json`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutants.ts';

/**
 * equivalent: it does what the original does. by design: it does something else that matters to nobody. open: a test is missing, or
 * nobody has looked yet.
 */
export type Kind = 'equivalent' | 'by design' | 'open';

export interface KnownSurvivor {
  /** The line where it begins, and how far into the line; no number of a line, for that changes with every edit above it. */
  readonly text: string;
  readonly at: number;
  readonly original: string;
  readonly replacement: string;
  readonly kind: Kind;
  readonly reason: string;
}

export type KnownSurvivors = Readonly<Record<string, readonly KnownSurvivor[]>>;

const FILE = fileURLToPath(new URL('known-survivors.json', import.meta.url));

export function readKnown(): KnownSurvivors {
  return JSON.parse(readFileSync(FILE, 'utf8')) as KnownSurvivors;
}

export function writeKnown(known: KnownSurvivors): void {
  const sorted = Object.entries(known).sort(([one], [other]) => (one < other ? -1 : 1));
  const filled = sorted.filter(([, survivors]) => survivors.length > 0);
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(filled), null, 2)}\n`);
}

export function knownAs(known: KnownSurvivors, mutant: Mutant): KnownSurvivor | undefined {
  return known[mutant.file]?.find((each) => isIt(each, mutant));
}

function isIt(known: KnownSurvivor, { text, at, original, replacement }: Mutant): boolean {
  if (known.text !== text || known.at !== at) return false;
  return known.original === shortened(original) && known.replacement === shortened(replacement);
}

/** A block may be long, and its place says which it is. */
function shortened(code: string): string {
  const line = code.replace(/\s+/g, ' ').trim();
  return line.length <= 80 ? line : `${line.slice(0, 77)}...`;
}

/** A survivor that was found, as it is noted. */
export function noted({ text, at, original, replacement }: Mutant, kind: Kind, reason: string): KnownSurvivor {
  return { text, at, original: shortened(original), replacement: shortened(replacement), kind, reason };
}

/** `core/agreement/merge.ts:12:5 a && b -> a || b` */
export function described({ file, line, column, original, replacement }: Mutant): string {
  return `${file}:${line}:${column}  ${shortened(original)} -> ${shortened(replacement)}`;
}

/**
 * What is known after a run: the survivors that were not known are added as open, and of the mutants that ran, those that were known
 * and did not survive are taken out. So are those whose line has gone.
 */
export function afterRun(
  known: KnownSurvivors,
  all: readonly Mutant[],
  ran: readonly Mutant[],
  survivors: readonly Mutant[],
): KnownSurvivors {
  const files = new Set(all.map(({ file }) => file));
  const next: Record<string, readonly KnownSurvivor[]> = { ...known };
  for (const file of files) {
    const mine = (mutants: readonly Mutant[]) => mutants.filter((mutant) => mutant.file === file);
    const survived = mine(survivors);
    const alive = new Set(survived.map(({ key }) => key));
    const caught = mine(ran).filter(({ key }) => !alive.has(key));
    const there = mine(all);
    const stay = (known[file] ?? []).filter(
      (each) => there.some((mutant) => isIt(each, mutant)) && !caught.some((mutant) => isIt(each, mutant)),
    );
    const added = survived.filter((mutant) => knownAs(known, mutant) === undefined);
    next[file] = [...stay, ...added.map((mutant) => noted(mutant, 'open', 'no test yet'))];
  }
  return next;
}
