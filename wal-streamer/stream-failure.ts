/** What happens after the stream broke: a decision by code, never by the text of an error. */
import { classifySqlState } from '../core/error-classification.ts';
import { ConfigurationError, InvariantError, RetryableError, SyncError } from '../core/errors.ts';

export type StreamFailure =
  /** Another streamer has the slot: it is asked for again soon, for as long as it takes. */
  | { readonly next: 'wait for the slot' }
  /** The connection or the server went away. */
  | { readonly next: 'connect again' }
  /** An operator has to act: the process ends with this. */
  | { readonly next: 'stop'; readonly error: SyncError };

const SLOT_ACTIVE = '55006';
/** The slot was invalidated, or wal_level is not logical. */
const NOT_IN_PREREQUISITE_STATE = '55000';

/** Its file is not there; it does not know an option of ours. */
const PLUGIN_REFUSED = ['58P01', '22023'];

/** A connection that ends without an error of the server is the network's doing, or a crash of the server. */
export function afterFailure(error: unknown): StreamFailure {
  if (error instanceof RetryableError) return { next: 'connect again' };
  if (error instanceof SyncError) return { next: 'stop', error };
  if (!(error instanceof Error)) return { next: 'stop', error: unknown(error) };
  const code = sqlState(error);
  if (code === undefined) return isOurBug(error) ? { next: 'stop', error: unknown(error) } : { next: 'connect again' };
  if (code === SLOT_ACTIVE) return { next: 'wait for the slot' };
  if (code === NOT_IN_PREREQUISITE_STATE || classifySqlState(code) === 'configuration') {
    const message = `PostgreSQL does not start the stream (SQLSTATE ${code}): ${error.message}. \`sfsync check\` says more.`;
    return { next: 'stop', error: new ConfigurationError(code, message, { cause: error }) };
  }
  if (PLUGIN_REFUSED.includes(code)) {
    const message = `PostgreSQL does not start the output plugin (SQLSTATE ${code}): ${error.message}. settings.plugin says which one it is: 'pgoutput' is part of every server, 'wal2json' (2.4 or newer) has to be installed there.`;
    return { next: 'stop', error: new ConfigurationError(code, message, { cause: error }) };
  }
  if (classifySqlState(code) === 'retry') return { next: 'connect again' };
  return { next: 'stop', error: unknown(error, code) };
}

function isOurBug(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
}

function sqlState(error: Error): string | undefined {
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in error ? code : undefined;
}

function unknown(error: unknown, code = 'UNKNOWN'): InvariantError {
  const text = error instanceof Error ? error.message : String(error);
  return new InvariantError(code, `The stream broke for an unknown reason: ${text}`, { cause: error });
}
