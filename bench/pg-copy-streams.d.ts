/** The package brings no types. */
declare module 'pg-copy-streams' {
  import type { Writable } from 'node:stream';
  import type { Submittable } from 'pg';

  /** A stream whose bytes `client.query` hands to `COPY ... FROM STDIN`. */
  export function from(sql: string): Writable & Submittable;
}
