/** What a client knows of its operation when it is over. */
import type { Answer } from '../history/history.ts';

export interface Outcome {
  readonly answer: Answer;
  /** Ids or keys of what was written, where that is known. */
  readonly written: readonly string[];
  /** Of a refusal, or of what cut the answer off. */
  readonly code?: string;
}

export const refused = (code: string): Outcome => ({ answer: 'refused', written: [], code });
export const unknown = (code: string, written: readonly string[] = []): Outcome => ({
  answer: 'unknown',
  written,
  code,
});
export const done = (written: readonly string[]): Outcome => ({ answer: 'done', written });

/** The code that an error carries, its own or its cause's. */
export function codeOf(error: unknown): string {
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    if ('code' in each && typeof each.code === 'string') return each.code;
  }
  return error instanceof Error ? error.name : String(error);
}
