/** The mutants of files, as Stryker makes them. They are known before anything runs, so that some of them can be chosen. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Instrumenter } from '@stryker-mutator/instrumenter';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Mutant {
  /** Distinguishes it from all others, as long as its file does not change. */
  readonly key: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** The line of source text where it begins, without the spaces before it, and how far into that it begins. */
  readonly text: string;
  readonly at: number;
  readonly original: string;
  readonly replacement: string;
}

export interface Location {
  readonly start: { readonly line: number; readonly column: number };
  readonly end: { readonly line: number; readonly column: number };
}

/** `location`: as the instrumenter counts, from 0. */
export function keyOf(file: string, { start, end }: Location, mutator: string, replacement: string): string {
  return `${file} ${start.line}:${start.column}-${end.line}:${end.column} ${mutator} ${replacement}`;
}

/** The source files at a path, which is a file or a folder. */
export function sourceFiles(path: string): string[] {
  if (statSync(join(ROOT, path)).isFile()) return [path];
  return readdirSync(join(ROOT, path), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${path}/${file}`)
    .sort();
}

const silent = () => undefined;
const SILENT = {
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  isInfoEnabled: () => false,
  isWarnEnabled: () => false,
  isErrorEnabled: () => false,
  isFatalEnabled: () => false,
  trace: silent,
  debug: silent,
  info: silent,
  warn: silent,
  error: silent,
  fatal: silent,
};

export async function mutantsOf(files: readonly string[]): Promise<Mutant[]> {
  const sources = new Map(files.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]));
  const given = [...sources].map(([name, content]) => ({ name, content, mutate: true }));
  const options = { plugins: null, excludedMutations: [], ignorers: [] };
  const { mutants } = await new Instrumenter(SILENT).instrument(given, options);
  return mutants.map(({ fileName: file, location, mutatorName, replacement }) => {
    const lines = sources.get(file)?.split('\n') ?? [];
    const { start } = location;
    const line = lines[start.line] ?? '';
    return {
      key: keyOf(file, location, mutatorName, replacement),
      file,
      line: start.line + 1,
      column: start.column + 1,
      text: line.trim(),
      at: start.column - (line.length - line.trimStart().length),
      original: between(lines, location),
      replacement,
    };
  });
}

function between(lines: readonly string[], { start, end }: Location): string {
  const chosen = lines.slice(start.line, end.line + 1);
  const last = chosen.length - 1;
  return chosen
    .map((line, i) => line.slice(i === 0 ? start.column : 0, i === last ? end.column : undefined))
    .join('\n');
}

/** So many of the mutants, by chance: the same ones for the same seed as long as the files do not change. */
export function sampled(mutants: readonly Mutant[], size: number, seed: number): Mutant[] {
  const lot = ({ key }: Mutant) => createHash('sha256').update(`${seed} ${key}`).digest('hex');
  return mutants
    .map((mutant) => ({ mutant, lot: lot(mutant) }))
    .sort((one, other) => (one.lot < other.lot ? -1 : 1))
    .slice(0, size)
    .map(({ mutant }) => mutant);
}
