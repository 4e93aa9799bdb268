import { randomUUID } from 'node:crypto';
import { AwsError } from '../../service.ts';
import { TaskFailure } from '../states/failure.ts';
import type { Json, JsonObject } from '../states/json.ts';
import { isObject } from '../states/json.ts';
import type { TaskContext } from './integrations.ts';
import type { SdkService } from './task-resource.ts';

/** Members whose own members are names chosen by users, not members of the API. */
const MAPS = new Set(['tags', 'taskProperties', 'messageAttributes', 'attributes', 'messageSystemAttributes']);
/** Members that hold a moment: the API gives seconds since 1970, a state gets an ISO 8601 text. */
const MOMENT = /(At|Date|Time|Timestamp)$/;

/**
 * An AWS SDK integration: the action in camelCase, parameters and result in PascalCase whatever the service's API
 * writes, errors as `<Service>.<Name>Exception` (Developer Guide, AWS SDK service integrations).
 */
export async function callSdk(sdk: SdkService, action: string, args: JsonObject, context: TaskContext): Promise<Json> {
  const operation = upperFirst(action);
  const input = sdk.camelCase ? toApi(args) : args;
  try {
    return toState(await context.aws.call(sdk.service, operation, input, context.caller), '') ?? {};
  } catch (error) {
    if (error instanceof AwsError) throw failure(sdk, error);
    throw error;
  }
}

function failure(sdk: SdkService, error: AwsError): TaskFailure {
  const code = error.code.split('.').at(-1) ?? error.code;
  const name = code.endsWith('Exception') ? code : `${code}Exception`;
  const facts = `Service: ${sdk.prefix}, Status Code: ${error.status}, Request ID: ${randomUUID()}`;
  return new TaskFailure(`${sdk.prefix}.${name}`, `${error.message} (${facts})`);
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function toApi(args: JsonObject): JsonObject {
  const convert = (value: Json, isMap: boolean): Json => {
    if (Array.isArray(value)) return value.map((element: Json) => convert(element, false));
    if (typeof value !== 'object' || value === null) return value;
    const members = Object.entries(value).map(([key, member]): [string, Json] => {
      const name = isMap ? key : lowerFirst(key);
      return [name, convert(member, MAPS.has(name))];
    });
    return Object.fromEntries(members);
  };
  return Object.fromEntries(
    Object.entries(args).map(([key, value]) => [lowerFirst(key), convert(value, MAPS.has(lowerFirst(key)))]),
  );
}

/** An answer as a state sees it; members without a value are left out. `member` is the name of what is converted. */
function toState(value: unknown, member: string): Json | undefined {
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'number' && MOMENT.test(member)) return new Date(value * 1_000).toISOString();
  if (Array.isArray(value)) return value.map((element) => toState(element, member) ?? null);
  if (isObject(value)) {
    const isMap = MAPS.has(lowerFirst(member));
    const converted: Record<string, Json> = {};
    for (const [key, inner] of Object.entries(value)) {
      const json = toState(inner, isMap ? '' : key);
      if (json !== undefined) converted[isMap ? key : upperFirst(key)] = json;
    }
    return converted;
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null)
    return value;
  return undefined;
}
