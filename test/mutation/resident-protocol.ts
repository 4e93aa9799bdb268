/** What Stryker's process and the worker in which the tests stay tell each other. */
import type { MutantCoverage } from '@stryker-mutator/api/core';

/** Both are threads of one process. */
export const CHANNEL = 'resident-tests';

export type Question =
  | { readonly kind: 'all' }
  /** The worker's file ends, with no answer. */
  | { readonly kind: 'end' }
  | {
      readonly kind: 'mutant';
      readonly mutant: string;
      /** The file that it changes. The tests that are named like it come first. */
      readonly file: string;
      /** undefined: all tests. */
      readonly ids: readonly string[] | undefined;
      readonly hitLimit: number | undefined;
    };

/** One test, as it ended. */
export interface Ran {
  readonly id: string;
  readonly failure: string | undefined;
  readonly timeMs: number;
}

export interface Answer {
  readonly kind: 'ready' | 'ran';
  readonly ran?: readonly Ran[];
  readonly coverage?: MutantCoverage | undefined;
  readonly hitCount?: number | undefined;
  /** The test that failed fails without the mutant by now: the worker has to be made anew. */
  readonly isSpoilt?: boolean;
}

declare module 'vitest' {
  interface ProvidedContext {
    residentFiles: readonly string[];
    mutantAtLoading: string | null;
  }
}
