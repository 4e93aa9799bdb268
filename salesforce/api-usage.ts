/** How many of the day's API calls are used up, by all clients of the org: each answer of Salesforce has it in a header. */
import { RetryableError } from '../core/errors.ts';
import type { SalesforceConnection } from './connection.ts';

export interface ApiUsage {
  /** Calls in the last 24 hours. */
  readonly used: number;
  readonly allowed: number;
}

/** By the last answer (`Sforce-Limit-Info`); undefined: no answer has come yet. */
export function apiUsage({ limitInfo }: SalesforceConnection): ApiUsage | undefined {
  const usage = limitInfo?.apiUsage;
  return usage === undefined ? undefined : { used: usage.used, allowed: usage.limit };
}

/** Throws RetryableError when less than the reserve, in percent of the day's calls, is left for others. */
export function keepReserve(object: string, usage: ApiUsage | undefined, reservePercent: number): void {
  if (usage === undefined || usage.used <= usage.allowed * (1 - reservePercent / 100)) return;
  const text =
    `${usage.used} of the ${usage.allowed} API calls of the last 24 hours are used up, by all clients of the org. ` +
    `The push of ${object} leaves the reserve of ${reservePercent} % alone (apiReservePercent), and goes on by itself ` +
    'when there are calls again.';
  throw new RetryableError('API_CALLS_USED_UP', text);
}
