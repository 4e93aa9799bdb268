import type { Json } from './json.ts';

export type Variables = Readonly<Record<string, Json>>;

/**
 * Where a line of execution stands: enough to go on from there, after a failure (redrive) or in another process. It is
 * stored as JSON.
 */
export interface Position {
  readonly state: string;
  readonly input: Json;
  /** The variables of this scope; those of outer scopes belong to the outer positions. */
  readonly variables: Variables;
  /** The id of the history event with which the state was entered; undefined when it is yet to be entered. */
  readonly entered: { readonly eventId: number; readonly at: number } | undefined;
  /** For a Parallel or Map state that had started: where each of its branches or iterations stands. */
  readonly branches?: readonly BranchPosition[] | undefined;
}

export type BranchPosition =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'done'; readonly output: Json }
  | { readonly kind: 'open'; readonly position: Position };

export function startOf(state: string, input: Json): Position {
  return { state, input, variables: {}, entered: undefined };
}
