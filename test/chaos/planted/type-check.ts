/**
 * Whether the type checker takes the planted bugs: a bug that it finds is none that somebody could have committed. As many bugs as do
 * not stand in each other's way are checked in one copy of the sources.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { overlaysOf, type PlantedBug } from './planted-bug.ts';

const root = join(import.meta.dirname, '../../..');

/** Answers what the type checker says, nothing when it takes them all. */
export function typeFaults(bugs: readonly PlantedBug[]): string {
  let left = bugs;
  let faults = '';
  while (left.length > 0) {
    const { together, others } = plantable(left);
    faults += checked(together);
    left = others;
  }
  return faults;
}

interface Plantable {
  readonly together: ReadonlyMap<string, string>;
  /** Bugs that change a text which another one has changed already. */
  readonly others: readonly PlantedBug[];
}

function plantable(bugs: readonly PlantedBug[]): Plantable {
  const together = new Map<string, string>();
  const others = bugs.filter((bug) => {
    try {
      const edited = Object.entries(overlaysOf(bug)).map(([file, edit]) => {
        return [file, edit(together.get(file) ?? readFileSync(join(root, file), 'utf8'))] as const;
      });
      for (const [file, text] of edited) together.set(file, text);
      return false;
    } catch (error) {
      if (together.size === 0) throw error;
      return true;
    }
  });
  return { together, others };
}

function checked(files: ReadonlyMap<string, string>): string {
  const copy = mkdtempSync(join(tmpdir(), 'sfsync-planted-'));
  try {
    const sources = execFileSync('git', ['ls-files', '-z', '--', '*.ts', '*.json', 'packages'], {
      cwd: root,
      encoding: 'utf8',
    });
    for (const file of sources.split('\0').filter((each) => each !== '' && !/^(test|bench)\/|^vitest/.test(each))) {
      mkdirSync(dirname(join(copy, file)), { recursive: true });
      cpSync(join(root, file), join(copy, file));
    }
    for (const [file, text] of files) writeFileSync(join(copy, file), text);
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = spawnSync(process.execPath, [tsc, '--noEmit'], { cwd: copy, encoding: 'utf8' });
    return stdout;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
