import { compileEventPattern } from '../events/event-pattern.ts';
import { AwsError } from '../service.ts';
import { invalidParameter } from './errors.ts';
import type { Notification, NotificationAttribute } from './notification.ts';

/**
 * Whether a subscription wants a message. A filter policy is an event pattern over the message's attributes, or over its
 * body where FilterPolicyScope says so; a body that is no JSON object fits none.
 */
export function wants(attributes: Readonly<Record<string, string>>, notification: Notification): boolean {
  const policy = attributes.FilterPolicy;
  if (policy === undefined || isEmpty(policy)) return true;
  const subject = attributes.FilterPolicyScope === 'MessageBody' ? bodyOf(notification) : valuesOf(notification);
  return subject !== undefined && compileEventPattern(policy).matches(subject);
}

/** @throws AwsError `InvalidParameter` */
export function assertFilterPolicy(policy: string): void {
  try {
    if (!isEmpty(policy)) compileEventPattern(policy);
  } catch (error) {
    if (!(error instanceof AwsError || error instanceof SyntaxError)) throw error;
    throw invalidParameter(`FilterPolicy: ${error.message}`);
  }
}

/** `{}` and nothing at all let everything through; as an event pattern they would be refused. */
function isEmpty(policy: string): boolean {
  return policy.trim() === '' || /^\{\s*\}$/.test(policy.trim());
}

function bodyOf(notification: Notification): object | undefined {
  try {
    const value: unknown = JSON.parse(notification.message);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

function valuesOf(notification: Notification): object {
  const values = Object.entries(notification.attributes).map(([name, attribute]) => [name, filterable(attribute)]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** Binary attributes cannot be filtered on. */
function filterable({ DataType: type, StringValue: text = '' }: NotificationAttribute): unknown {
  if (type.startsWith('Binary')) return undefined;
  if (type.startsWith('Number')) return Number(text);
  if (type !== 'String.Array') return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return text;
  }
}
