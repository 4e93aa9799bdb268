import { ACCOUNT, type EmbeddedAws } from '../service.ts';
import { missingParameter, queueDoesNotExist } from './errors.ts';
import type { Queue, Queues } from './queues.ts';

/** The address of a queue: on this endpoint, since the SDK sends to the host of the queue URL. */
export function queueUrl(aws: EmbeddedAws, name: string): string {
  return `${aws.origin}/${ACCOUNT}/${name}`;
}

/**
 * The queue that a QueueUrl means. Only account and name count: a URL handed out before a restart on another port is good.
 * @throws AwsError `QueueDoesNotExist`, `MissingRequiredParameterException`
 */
export function queueOfUrl(queues: Queues, url: unknown): Queue {
  if (typeof url !== 'string' || url === '') throw missingParameter('QueueUrl');
  const [name = '', account] = url.split('/').reverse();
  if (account !== undefined && account !== ACCOUNT) throw queueDoesNotExist();
  return queues.named(name);
}
