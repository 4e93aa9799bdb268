/**
 * Places at which the chaos run (test/chaos) lets a Lambda or the streamer die, by name. Here nothing happens at them: the body
 * is empty, the bundler leaves the calls out of what is deployed, and a test holds that none is left. The chaos run works on a
 * copy of the project in which this file is another one.
 */
export const FAILPOINTS = [
  // Every call of every Lambda, and every statement of their sessions and the streamer's in PostgreSQL, `commit` among them.
  'call:begins',
  'call:done',
  'statement:before',
  'statement:after',
  'part:committed',

  'collect:lease-taken',
  'collect:lease-freed',
  'receive:received',
  'receive:sent-again',
  'receive:marked',
  'receive:deleted',
  'decide:decided',
  'push:begun',
  'push:sent',
  'push:outcomes-stored',
  'bulk:job-made',
  'bulk:job-kept',
  'bulk:uploaded',
  'settle:settled',
  'settle:archived',

  'stream:taken',
  'stream:read',
  'stream:accepted',
  'stream:position-written',
  'stream:confirmed',
  'stream:announced',
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];

/** @__NO_SIDE_EFFECTS__ */
export function failpoint(_name: Failpoint): void {}
