import { randomUUID } from 'node:crypto';
import { AwsError } from '../service.ts';

/** A fresh receipt handle; it names queue and message, so that an expired one still deletes, as in AWS. */
export function newReceipt(queueArn: string, messageId: string): string {
  return Buffer.from(`${randomUUID()} ${queueArn} ${messageId}`, 'utf8').toString('base64');
}

/**
 * The id of the message that a receipt handle of this queue stands for.
 * @throws AwsError `ReceiptHandleIsInvalid`
 */
export function messageOfReceipt(handle: unknown, queueArn: string): string {
  const [, arn, messageId] = Buffer.from(String(handle), 'base64').toString('utf8').split(' ');
  if (arn !== queueArn || messageId === undefined) {
    throw new AwsError(
      'ReceiptHandleIsInvalid',
      `The input receipt handle "${String(handle)}" is not a valid receipt handle.`,
      404,
    );
  }
  return messageId;
}
