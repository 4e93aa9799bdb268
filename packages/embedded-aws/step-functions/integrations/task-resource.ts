import type { ServiceName } from '../../service.ts';

/** How an aws-sdk integration reaches a service of the embedded AWS. */
export interface SdkService {
  readonly service: ServiceName;
  /** Stands before the name of an error: `Appflow.ConflictException`. */
  readonly prefix: string;
  /** The service's own API writes its members in camelCase; in a state they are PascalCase everywhere. */
  readonly camelCase: boolean;
}

const SDK_SERVICES: Readonly<Record<string, SdkService>> = {
  appflow: { service: 'appflow', prefix: 'Appflow', camelCase: true },
  eventbridge: { service: 'events', prefix: 'EventBridge', camelCase: false },
  lambda: { service: 'lambda', prefix: 'Lambda', camelCase: false },
  secretsmanager: { service: 'secretsmanager', prefix: 'SecretsManager', camelCase: false },
  sfn: { service: 'states', prefix: 'Sfn', camelCase: true },
  sns: { service: 'sns', prefix: 'Sns', camelCase: false },
  sqs: { service: 'sqs', prefix: 'Sqs', camelCase: false },
  sts: { service: 'sts', prefix: 'Sts', camelCase: false },
};

export const OPTIMIZED_INTEGRATIONS = [
  'lambda:invoke',
  'sqs:sendMessage',
  'sns:publish',
  'events:putEvents',
  'states:startExecution',
] as const;
export type OptimizedIntegration = (typeof OPTIMIZED_INTEGRATIONS)[number];

/** What the Resource of a Task state asks for. `resourceType` and `action` are its names in the history. */
export type RunnableResource =
  | { readonly kind: 'function'; readonly functionArn: string }
  | {
      readonly kind: 'optimized';
      readonly resourceType: string;
      readonly action: string;
      readonly name: OptimizedIntegration;
    }
  | { readonly kind: 'sdk'; readonly resourceType: string; readonly action: string; readonly sdk: SdkService };

export type TaskResource =
  | RunnableResource
  | { readonly kind: 'unsupported'; readonly why: string }
  | { readonly kind: 'invalid' };

const INTEGRATION =
  /^arn:aws[a-z-]*:states:[a-z0-9-]*:\d*:(?:(aws-sdk):)?([a-z0-9-]+):([A-Za-z0-9]+)(\.[A-Za-z0-9:]+)?$/;
const FUNCTION = /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_$:.-]+$/;

/** Reads a Resource. Whatever AWS offers and this interpreter does not is `unsupported`, never run as something else. */
export function readTaskResource(resource: string): TaskResource {
  if (FUNCTION.test(resource)) return { kind: 'function', functionArn: resource };
  const parts = INTEGRATION.exec(resource);
  if (parts === null) return { kind: 'invalid' };
  const [, isSdk, service = '', action = '', pattern] = parts;
  if (pattern !== undefined) return { kind: 'unsupported', why: `the service integration pattern '${pattern}'` };
  if (service === 'activity') return { kind: 'unsupported', why: 'activities' };
  if (isSdk !== undefined) {
    const sdk = SDK_SERVICES[service];
    if (sdk === undefined) return { kind: 'unsupported', why: `the AWS SDK integration of '${service}'` };
    return { kind: 'sdk', resourceType: `aws-sdk:${service}`, action, sdk };
  }
  const name = OPTIMIZED_INTEGRATIONS.find((known) => known === `${service}:${action}`);
  if (name === undefined) return { kind: 'unsupported', why: `the integration '${service}:${action}'` };
  return { kind: 'optimized', resourceType: service, action, name };
}
