import { ACCOUNT, type ServiceName } from '../service.ts';
import type { Permission } from './policy-statement.ts';
import type { Pattern } from './wildcard.ts';

type Input = Readonly<Record<string, unknown>>;

/**
 * The IAM actions that a call needs, each with its resource (Service Authorization Reference). An operation that is not
 * listed needs the action of its own name, on the resource that its input names or else on `*`.
 */
export function requiredPermissions(
  service: ServiceName,
  operation: string,
  input: object,
  region: string,
): readonly Permission[] {
  const given = input as Input;
  const arn = (name: ServiceName, resource: string) => `arn:aws:${name}:${region}:${ACCOUNT}:${resource}`;
  switch (service) {
    case 's3':
      return s3Permissions(operation, given);
    case 'sqs':
      return sqsPermissions(operation, given, arn);
    case 'sns': {
      const action = operation.startsWith('Publish') ? 'sns:Publish' : `sns:${operation}`;
      return [
        on(action, text(given.TopicArn) ?? text(given.TargetArn) ?? named(given.Name, (name) => arn('sns', name))),
      ];
    }
    case 'events':
      return eventsPermissions(operation, given, arn);
    case 'states':
      return [statesPermission(operation, given, arn)];
    case 'lambda':
      return [lambdaPermission(operation, given, arn)];
    case 'appflow': {
      const flow = named(given.flowName ?? given.FlowName, (name) => arn('appflow', `flow/${name}`));
      return [on(`appflow:${operation}`, flow)];
    }
    case 'secretsmanager':
      return [secretPermission(operation, given, arn)];
    case 'cloudformation': {
      // A stack's ARN ends with an id that only the service knows.
      const stack = named(given.StackName, (name) => arn('cloudformation', `stack/${name}/*`));
      return [on(`cloudformation:${operation}`, stack)];
    }
    case 'monitoring':
      return [on(`cloudwatch:${operation}`)];
    case 'logs':
      return [on(`logs:${operation}`)];
    case 'sts':
      // Allowed to everybody, whatever the policies say.
      return operation === 'GetCallerIdentity' ? [] : [on(`sts:${operation}`, text(given.RoleArn))];
    default:
      throw service satisfies never;
  }
}

type Arn = (service: ServiceName, resource: string) => string;

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function named(name: unknown, arn: (name: string) => string): string | undefined {
  const given = text(name);
  if (given === undefined) return undefined;
  return given.startsWith('arn:') ? given : arn(given);
}

function on(action: string, resource = '*'): Permission {
  return { action, resource, matchesResource: (pattern) => pattern.matches(resource) };
}

/** Whose resource is not in the input: the action on any resource is enough. */
function onAny(action: string): Permission {
  return { action, resource: '*', matchesResource: () => true };
}

const S3_ACTIONS: Readonly<Record<string, string>> = {
  HeadObject: 'GetObject',
  CreateMultipartUpload: 'PutObject',
  UploadPart: 'PutObject',
  CompleteMultipartUpload: 'PutObject',
  CopyObject: 'PutObject',
  UploadPartCopy: 'PutObject',
  DeleteObjects: 'DeleteObject',
  ListParts: 'ListMultipartUploadParts',
  ListObjects: 'ListBucket',
  ListObjectsV2: 'ListBucket',
  HeadBucket: 'ListBucket',
  ListMultipartUploads: 'ListBucketMultipartUploads',
  ListBuckets: 'ListAllMyBuckets',
};

function s3Permissions(operation: string, input: Input): readonly Permission[] {
  const action = `s3:${S3_ACTIONS[operation] ?? operation}`;
  const bucket = text(input.Bucket);
  if (bucket === undefined) return [on(action)];
  const object = (key: string) => `arn:aws:s3:::${bucket}/${key}`;
  if (operation === 'DeleteObjects') {
    const { Objects = [] } = (input.Delete ?? {}) as { readonly Objects?: readonly { readonly Key?: string }[] };
    return Objects.map(({ Key = '' }) => on(action, object(Key)));
  }
  const key = text(input.Key);
  const permission = on(action, key === undefined ? `arn:aws:s3:::${bucket}` : object(key));
  const source = text(input.CopySource);
  if (source === undefined) return [permission];
  const copied = decodeURIComponent(source.replace(/^\//, '').replace(/\?versionId=.*$/, ''));
  return [permission, on('s3:GetObject', `arn:aws:s3:::${copied}`)];
}

function sqsPermissions(operation: string, input: Input, arn: Arn): readonly Permission[] {
  const action = `sqs:${operation.replace(/Batch$/, '')}`;
  const url = text(input.QueueUrl);
  const name = url?.split('/').at(-1) ?? input.QueueName;
  const permission = on(action, text(input.SourceArn) ?? named(name, (queue) => arn('sqs', queue)));
  const destination = text(input.DestinationArn);
  return destination === undefined ? [permission] : [permission, on('sqs:SendMessage', destination)];
}

function eventsPermissions(operation: string, input: Input, arn: Arn): readonly Permission[] {
  const bus = (name: unknown) => named(name ?? 'default', (given) => arn('events', `event-bus/${given}`));
  if (operation === 'PutEvents') {
    const entries = (input.Entries ?? []) as readonly { readonly EventBusName?: string }[];
    const buses = new Set(entries.map((entry) => bus(entry.EventBusName)));
    return [...buses].map((resource) => on('events:PutEvents', resource));
  }
  if (operation === 'DescribeEventBus') return [on('events:DescribeEventBus', bus(input.Name))];
  const rule = named(input.Rule ?? input.Name, (name) => arn('events', `rule/${name}`));
  return [on(`events:${operation}`, rule)];
}

function statesPermission(operation: string, input: Input, arn: Arn): Permission {
  const action = `states:${operation}`;
  // The token's state machine is known to the service alone.
  if (operation.startsWith('SendTask')) return onAny(action);
  const machine = text(input.stateMachineArn) ?? named(input.name, (name) => arn('states', `stateMachine:${name}`));
  return on(action, text(input.executionArn) ?? machine);
}

function lambdaPermission(operation: string, input: Input, arn: Arn): Permission {
  const action = operation === 'Invoke' ? 'lambda:InvokeFunction' : `lambda:${operation}`;
  const given = text(input.FunctionName)?.replace(/^\d{12}:function:|^function:/, '');
  const qualifier = text(input.Qualifier);
  const resource = named(given, (name) => arn('lambda', `function:${name}`));
  return on(action, resource === undefined || qualifier === undefined ? resource : `${resource}:${qualifier}`);
}

/** A secret's ARN ends with a hyphen and six random characters, which a caller that knows the name only does not know. */
function secretPermission(operation: string, input: Input, arn: Arn): Permission {
  const action = `secretsmanager:${operation}`;
  const given = text(input.SecretId) ?? text(input.Name);
  if (given === undefined) return on(action);
  if (given.startsWith('arn:')) return on(action, given);
  const base = arn('secretsmanager', `secret:${given}`);
  const matchesResource = (pattern: Pattern) => {
    const suffix = pattern.text.startsWith(`${base}-`) ? pattern.text.slice(base.length + 1) : undefined;
    return pattern.matches(`${base}-??????`) || pattern.text === base || /^[A-Za-z0-9]{6}$/.test(suffix ?? '');
  };
  return { action, resource: base, matchesResource };
}
