/** What a function is, as the host needs it: code on disk, handler, limits, role. */
export interface FunctionSettings {
  readonly name: string;
  readonly arn: string;
  /** Where the code lies; `index.handler` is looked for as `index.js`, `index.mjs` or `index.cjs` in it. */
  readonly directory: string;
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly memoryMegabytes: number;
  readonly roleArn: string;
  /** Invocations at one time; 0 switches the function off. */
  readonly reservedConcurrency?: number | undefined;
  /** Where an asynchronous invocation's event goes after the last retry. */
  readonly deadLetterQueueArn?: string | undefined;
  /** The on-failure destination (an SQS queue): gets event, error and context. */
  readonly onFailureQueueArn?: string | undefined;
  /** Of asynchronous invocations, 0 to 2. @default 2 */
  readonly maximumRetryAttempts?: number | undefined;
  /** Of asynchronous invocations, in seconds. @default 21,600 */
  readonly maximumEventAgeSeconds?: number | undefined;
  /** Where its log lines are measured. */
  readonly logGroup?: string | undefined;
  /** @default nodejs22.x */
  readonly runtime?: string | undefined;
}

/** An error as Lambda reports it in the payload of a failed invocation. */
export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

/** How one invocation ended. */
export type InvocationOutcome =
  | { readonly kind: 'returned'; readonly payload: string }
  | { readonly kind: 'failed'; readonly error: FunctionError };

/** The most that goes into or comes out of a synchronous invocation, and into an asynchronous one (Lambda quotas). */
export const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024;
export const MAX_ASYNCHRONOUS_PAYLOAD_BYTES = 1024 * 1024;
