/** A run cannot go on, for the reason in its `executionMessage`. */
export class FlowRunError extends Error {
  override readonly name = 'FlowRunError' as const;
}
