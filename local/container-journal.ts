import { z } from 'zod';
import type { Journal } from '../packages/embedded-aws/embedded-aws.ts';
import type { ProcessEvent } from './host/supervised-process.ts';

/** A line of the streamer's log, as far as the terminal shows it. */
const logLine = z.looseObject({
  level: z.string(),
  message: z.string(),
  object: z.string().optional(),
  keys: z.number().optional(),
  reason: z.string().optional(),
  streaming: z.number().optional(),
});

/** Writes to the journal what a container's process does and logs. Its log file has everything; this is for the terminal. */
export function journalContainer(journal: Journal, container: string, event: ProcessEvent): void {
  switch (event.kind) {
    case 'started':
      journal.record({ kind: 'streamer', subject: container, text: `started as process ${event.pid}` });
      return;
    case 'unhealthy':
      journal.record({ kind: 'fault', subject: container, text: `${event.reason}; it is ended` });
      return;
    case 'died': {
      const text = `ended (${event.reason}); it is started again in ${event.restartInMs / 1000} s`;
      journal.record({ kind: 'fault', subject: container, text });
      return;
    }
    case 'line':
      journalLine(journal, container, event.line);
      return;
    default:
      throw event satisfies never;
  }
}

function journalLine(journal: Journal, container: string, line: string): void {
  const parsed = logLine.safeParse(jsonIn(line));
  if (!parsed.success) return;
  const { level, message, object, keys, reason, streaming } = parsed.data;
  // Of it an alarm is made, and no line.
  if (streaming !== undefined) return;
  if (object !== undefined && keys !== undefined) {
    journal.record({ kind: 'changes-published', subject: object, text: message, details: { object, keys } });
    return;
  }
  const kind = level === 'WARN' || level === 'ERROR' ? 'fault' : 'streamer';
  const text = reason === undefined ? message : `${message}: ${reason}`;
  journal.record({ kind, subject: container, text });
}

function jsonIn(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // A process may print anything, such as a warning of the runtime.
    return undefined;
  }
}
