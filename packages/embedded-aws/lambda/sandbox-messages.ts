import type { FunctionError } from './function-settings.ts';

/** What a sandbox is started with. */
export interface SandboxData {
  readonly directory: string;
  readonly handler: string;
  /** Where the host's process keeps compiled code; a thread does not use it by itself. */
  readonly compileCache: string | undefined;
}

/** To the sandbox: run the handler once. */
export interface InvokeMessage {
  readonly requestId: string;
  /** JSON text. */
  readonly payload: string;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  readonly functionArn: string;
  readonly logStreamName: string;
}

/** From the sandbox. Output comes the same way as results, so that it is complete when the result arrives. */
export type SandboxMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'output'; readonly text: string }
  | { readonly kind: 'returned'; readonly payload: string; readonly heapBytes: number }
  | { readonly kind: 'failed'; readonly error: FunctionError; readonly heapBytes: number }
  /** The sandbox is unusable and ends: the handler could not be loaded, or something was thrown outside of it. */
  | { readonly kind: 'broken'; readonly error: FunctionError };
