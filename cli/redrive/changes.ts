/** `sfsync redrive changes`: change messages that never got into the link table go back to their queue. */
import { setTimeout as pause } from 'node:timers/promises';
import type { DeadLetterQueue, Move } from '../../aws/dead-letter-queue.ts';
import type { Operator } from '../operator.ts';
import { plural, progressBar } from '../terminal.ts';

/** SQS updates what it reports of a move about every second. */
const LOOK_EVERY_MS = 1_000;

/** Moves the dead letters of each object back, one object after the other, and says that there is something to do. */
export async function redriveChanges(
  { aws, terminal, dryRun }: Operator,
  objects: readonly string[],
  lookEveryMs: number = LOOK_EVERY_MS,
): Promise<number> {
  const deployment = await aws.deployment();
  const moved: string[] = [];
  let left = 0;
  for (const object of objects) {
    const queue = aws.deadLetters(deployment.changeDeadLettersUrl(object));
    const { waiting, inFlight } = await queue.count();
    if (inFlight > 0) {
      terminal.print(`${object}: about ${plural(inFlight, 'message')} in flight, not moved; run it again later`);
      left += 1;
    }
    if (waiting === 0) {
      terminal.print(`${object}: no dead letters`);
    } else if (dryRun) {
      terminal.print(`${object}: about ${plural(waiting, 'message')} would go back to the change queue`);
    } else {
      const move = await moveAll(queue, (now) => terminal.progress(`${object}: ${described(now)}`), lookEveryMs);
      terminal.print(`${object}: ${ending(move)}`);
      moved.push(object);
      if (move.status !== 'COMPLETED') left += 1;
    }
  }
  await aws.announce(moved);
  return left;
}

/** Moves, and answers how the move ended. When this process ends first, SQS goes on by itself. */
async function moveAll(queue: DeadLetterQueue, show: (move: Move) => void, lookEveryMs: number): Promise<Move> {
  await queue.startMove();
  for (;;) {
    const move = await queue.readMove();
    if (move !== undefined && move.status !== 'RUNNING' && move.status !== 'CANCELLING') return move;
    if (move !== undefined) show(move);
    await pause(lookEveryMs);
  }
}

function described({ moved, toMove }: Move): string {
  return `${progressBar(moved, toMove)}  ${moved} of about ${toMove} moved`;
}

function ending({ status, moved, toMove, failure }: Move): string {
  switch (status) {
    case 'COMPLETED':
      return `${plural(moved, 'message')} moved back to the change queue`;
    case 'CANCELLED':
      return `the move was cancelled after ${moved} of about ${toMove}; run the command again for the rest`;
    default:
      return `the move ended ${status} after ${moved} of about ${toMove}: ${failure ?? 'SQS gives no reason'}`;
  }
}
