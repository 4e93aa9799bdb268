/**
 * Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002): the items are cut in parts; a part that
 * fails alone, or what is left without one, takes the place of all; where neither fails the parts are made smaller, down to single items.
 */
export async function ddmin<T>(
  items: readonly T[],
  fails: (candidate: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let left = items;
  let parts = 2;
  while (left.length > 1) {
    const smaller = await firstThatFails(candidates(left, parts), fails);
    if (smaller !== undefined) {
      parts = smaller.isPart ? 2 : Math.max(parts - 1, 2);
      left = smaller.items;
    } else if (parts < left.length) parts = Math.min(parts * 2, left.length);
    else break;
  }
  return left;
}

interface Candidate<T> {
  readonly items: readonly T[];
  readonly isPart: boolean;
}

function candidates<T>(items: readonly T[], parts: number): Candidate<T>[] {
  const size = Math.ceil(items.length / parts);
  const starts = Array.from({ length: Math.ceil(items.length / size) }, (_, part) => part * size);
  const alone = starts.map((start) => ({ items: items.slice(start, start + size), isPart: true }));
  const without = starts.map((start) => ({ items: items.toSpliced(start, size), isPart: false }));
  // Of two halves, one without the other is the other.
  return parts === 2 ? alone : [...alone, ...without];
}

async function firstThatFails<T>(
  all: readonly Candidate<T>[],
  fails: (candidate: readonly T[]) => Promise<boolean>,
): Promise<Candidate<T> | undefined> {
  for (const candidate of all) if (await fails(candidate.items)) return candidate;
  return undefined;
}
