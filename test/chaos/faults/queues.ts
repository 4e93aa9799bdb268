/** How long the run waits for what a dead Lambda had received. */
import type { FaultWorld } from './fault.ts';

/**
 * A message that a killed Lambda had received is seen again after the queue's visibility timeout, which is longer than the longest call: too
 * long for a run. Here it is a few seconds, so that a call under way may meet its own messages again: at least once.
 */
export async function shortenVisibility(world: FaultWorld, seconds = 10): Promise<void> {
  const { resources } = world.endpoints;
  for (const [name, QueueUrl] of Object.entries(resources)) {
    if (!name.startsWith('changeQueue.')) continue;
    await world.call('sqs', 'SetQueueAttributes', { QueueUrl, Attributes: { VisibilityTimeout: String(seconds) } });
  }
}
