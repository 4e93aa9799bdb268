/** A run cannot go on, for a reason that its `executionMessage` tells. */
export class FlowRunError extends Error {
  override readonly name = 'FlowRunError' as const;
}
