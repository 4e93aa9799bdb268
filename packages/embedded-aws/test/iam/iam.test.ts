import { describe, expect, test } from 'vitest';
import { Iam } from '../../iam/iam.ts';
import { managedPolicy } from '../../iam/managed-policies.ts';
import type { PolicyStatement } from '../../iam/policy-statement.ts';
import { AwsError, CONSOLE, type ServiceName } from '../../service.ts';
import { StatefulAws } from '../stateful-aws.ts';

const ROLE = 'arn:aws:iam::000000000000:role/worker';
const arn = (service: string, resource: string) => `arn:aws:${service}:eu-west-1:000000000000:${resource}`;
const allow = (Action: string | string[], Resource: string | string[] = '*'): PolicyStatement => {
  return { Effect: 'Allow', Action, Resource };
};

/** What an attempt of the role ends with: undefined when it may. */
function attempt(
  statements: readonly PolicyStatement[],
  service: ServiceName,
  operation: string,
  input: object,
): AwsError | undefined {
  const iam = new Iam(new StatefulAws());
  iam.setRole(ROLE, statements);
  try {
    iam.authorize({ principal: ROLE }, service, operation, input);
    return undefined;
  } catch (error) {
    if (error instanceof AwsError) return error;
    throw error;
  }
}

const QUEUE = arn('sqs', 'changes');
const QueueUrl = 'http://127.0.0.1:4566/000000000000/changes';
const MACHINE = arn('states', 'stateMachine:sync');
const EXECUTION = arn('states', 'execution:sync:one');
const FUNCTION = arn('lambda', 'function:work');
const SECRET = arn('secretsmanager', 'secret:salesforce');

describe('operations need the action and resource that IAM knows them by', () => {
  test.each<[ServiceName, string, object, string, string]>([
    ['s3', 'GetObject', { Bucket: 'b', Key: 'work/a b' }, 's3:GetObject', 'arn:aws:s3:::b/work/a b'],
    ['s3', 'HeadObject', { Bucket: 'b', Key: 'k' }, 's3:GetObject', 'arn:aws:s3:::b/k'],
    ['s3', 'ListObjectsV2', { Bucket: 'b', Prefix: 'p' }, 's3:ListBucket', 'arn:aws:s3:::b'],
    ['s3', 'HeadBucket', { Bucket: 'b' }, 's3:ListBucket', 'arn:aws:s3:::b'],
    ['s3', 'CompleteMultipartUpload', { Bucket: 'b', Key: 'k' }, 's3:PutObject', 'arn:aws:s3:::b/k'],
    ['s3', 'UploadPart', { Bucket: 'b', Key: 'k' }, 's3:PutObject', 'arn:aws:s3:::b/k'],
    [
      's3',
      'DeleteObjects',
      { Bucket: 'b', Delete: { Objects: [{ Key: 'k' }] } },
      's3:DeleteObject',
      'arn:aws:s3:::b/k',
    ],
    ['s3', 'ListBuckets', {}, 's3:ListAllMyBuckets', '*'],
    ['sqs', 'SendMessage', { QueueUrl }, 'sqs:SendMessage', QUEUE],
    ['sqs', 'SendMessageBatch', { QueueUrl }, 'sqs:SendMessage', QUEUE],
    ['sqs', 'DeleteMessageBatch', { QueueUrl }, 'sqs:DeleteMessage', QUEUE],
    ['sqs', 'GetQueueUrl', { QueueName: 'changes' }, 'sqs:GetQueueUrl', QUEUE],
    ['sqs', 'StartMessageMoveTask', { SourceArn: QUEUE }, 'sqs:StartMessageMoveTask', QUEUE],
    ['sns', 'Publish', { TopicArn: arn('sns', 'alerts') }, 'sns:Publish', arn('sns', 'alerts')],
    ['events', 'PutEvents', { Entries: [{}] }, 'events:PutEvents', arn('events', 'event-bus/default')],
    ['events', 'PutRule', { Name: 'r' }, 'events:PutRule', arn('events', 'rule/r')],
    ['states', 'StartExecution', { stateMachineArn: MACHINE }, 'states:StartExecution', MACHINE],
    ['states', 'DescribeExecution', { executionArn: EXECUTION }, 'states:DescribeExecution', EXECUTION],
    ['lambda', 'Invoke', { FunctionName: 'work' }, 'lambda:InvokeFunction', FUNCTION],
    ['lambda', 'Invoke', { FunctionName: '000000000000:function:work' }, 'lambda:InvokeFunction', FUNCTION],
    ['lambda', 'Invoke', { FunctionName: FUNCTION }, 'lambda:InvokeFunction', FUNCTION],
    ['appflow', 'StartFlow', { flowName: 'in' }, 'appflow:startFlow', arn('appflow', 'flow/in')],
    ['secretsmanager', 'GetSecretValue', { SecretId: SECRET }, 'secretsmanager:GetSecretValue', SECRET],
  ])('%s %s %j: %s on %s', (service, operation, input, action, resource) => {
    expect(attempt([allow(action, resource)], service, operation, input)).toBeUndefined();
    expect(attempt([allow(action, `${resource}x`)], service, operation, input)).toBeInstanceOf(AwsError);
    expect(attempt([allow(`${action}x`, resource)], service, operation, input)).toBeInstanceOf(AwsError);
  });

  test('a copy needs to read its source, too', () => {
    const input = { Bucket: 'b', Key: 'archive/k', CopySource: '/b/outbound/a%20b?versionId=1' };
    const write = allow('s3:PutObject', 'arn:aws:s3:::b/archive/*');
    expect(
      attempt([write, allow('s3:GetObject', 'arn:aws:s3:::b/outbound/a b')], 's3', 'CopyObject', input),
    ).toBeUndefined();
    expect(attempt([write], 's3', 'CopyObject', input)?.message).toContain(
      's3:GetObject on resource: arn:aws:s3:::b/out',
    );
  });

  test('deleting several objects needs each of them', () => {
    const input = { Bucket: 'b', Delete: { Objects: [{ Key: 'a/1' }, { Key: 'b/1' }] } };
    expect(attempt([allow('s3:DeleteObject', 'arn:aws:s3:::b/a/*')], 's3', 'DeleteObjects', input)).toBeInstanceOf(
      AwsError,
    );
  });

  test('a version of a function is another resource than the function', () => {
    const input = { FunctionName: 'work', Qualifier: '$LATEST' };
    expect(attempt([allow('lambda:InvokeFunction', FUNCTION)], 'lambda', 'Invoke', input)).toBeInstanceOf(AwsError);
    expect(attempt([allow('lambda:InvokeFunction', `${FUNCTION}:*`)], 'lambda', 'Invoke', input)).toBeUndefined();
  });

  test.each([SECRET, `${SECRET}-AbC123`, `${SECRET}-??????`, `${SECRET}*`])(
    'a secret by its name: allowed on %s',
    (resource) => {
      const statement = allow('secretsmanager:GetSecretValue', resource);
      expect(attempt([statement], 'secretsmanager', 'GetSecretValue', { SecretId: 'salesforce' })).toBeUndefined();
      expect(attempt([statement], 'secretsmanager', 'GetSecretValue', { SecretId: 'sales' })).toBeInstanceOf(AwsError);
    },
  );

  test('answering a task token needs the action on any machine: the token does not name it', () => {
    const input = { taskToken: 't', output: '{}' };
    expect(attempt([allow('states:SendTaskSuccess', MACHINE)], 'states', 'SendTaskSuccess', input)).toBeUndefined();
    expect(attempt([allow('states:SendTaskFailure', MACHINE)], 'states', 'SendTaskSuccess', input)).toBeInstanceOf(
      AwsError,
    );
  });

  test('everybody may ask who they are', () => {
    expect(attempt([], 'sts', 'GetCallerIdentity', {})).toBeUndefined();
  });
});

describe('statements', () => {
  const send = (...statements: PolicyStatement[]) => attempt(statements, 'sqs', 'SendMessage', { QueueUrl });

  test.each(['*', 'sqs:*', 'sqs:Send*', 'SQS:sendmessage', 'sqs:SendMessag?'])('the action %s allows', (action) => {
    expect(send(allow(action))).toBeUndefined();
  });

  test.each(['*', 'arn:aws:sqs:*:000000000000:changes', 'arn:aws:sqs:*', `${QUEUE.slice(0, -1)}?`])(
    'the resource %s allows',
    (resource) => {
      expect(send(allow('sqs:SendMessage', ['arn:aws:s3:::b', resource]))).toBeUndefined();
    },
  );

  test('resources are distinguished by case and by characters that are special elsewhere', () => {
    expect(send(allow('sqs:SendMessage', QUEUE.replace('changes', 'Changes')))).toBeInstanceOf(AwsError);
    expect(send(allow('sqs:SendMessage', QUEUE.replace('changes', 'ch.nges')))).toBeInstanceOf(AwsError);
  });

  test('a deny wins over every allow', () => {
    const error = send(allow('*'), { Effect: 'Deny', Action: 'sqs:*', Resource: QUEUE });
    expect(error?.message).toMatch(/with an explicit deny in an identity-based policy$/);
  });

  test('NotAction and NotResource', () => {
    expect(send({ Effect: 'Allow', NotAction: 's3:*', Resource: '*' })).toBeUndefined();
    expect(send({ Effect: 'Allow', NotAction: ['sqs:*'], Resource: '*' })).toBeInstanceOf(AwsError);
    expect(send({ Effect: 'Allow', Action: '*', NotResource: arn('sqs', 'other') })).toBeUndefined();
    expect(send({ Effect: 'Allow', Action: '*', NotResource: QUEUE })).toBeInstanceOf(AwsError);
  });

  test.each<[string, NonNullable<PolicyStatement['Condition']>, boolean]>([
    ['a connection counts as encrypted', { Bool: { 'aws:SecureTransport': 'true' } }, true],
    ['in any spelling', { Bool: { 'AWS:SecureTransport': true } }, true],
    ['and not as unencrypted', { Bool: { 'aws:SecureTransport': 'false' } }, false],
    ['the principal', { ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/work*' } }, true],
    ['ARNs part by part', { ArnLike: { 'aws:PrincipalArn': 'arn:*:role/worker' } }, false],
    ['another principal', { ArnNotEquals: { 'aws:PrincipalArn': ROLE } }, false],
    ['one of several values', { StringEquals: { 'aws:RequestedRegion': ['us-east-1', 'eu-west-1'] } }, true],
    ['all keys', { StringEquals: { 'aws:RequestedRegion': 'eu-west-1', 'aws:PrincipalAccount': '1' } }, false],
    ['wildcards', { StringLike: { 'aws:RequestedRegion': 'eu-*' } }, true],
    ['a key that the request lacks', { ArnEquals: { 'aws:SourceArn': 'arn:x' } }, false],
    ['the same, negated', { ArnNotEquals: { 'aws:SourceArn': 'arn:x' } }, true],
    ['the same, if it exists', { ArnEqualsIfExists: { 'aws:SourceArn': 'arn:x' } }, true],
    ['that a key is missing', { Null: { 'aws:SourceArn': 'true' } }, true],
    ['that a key is there', { Null: { 'aws:SourceArn': 'false' } }, false],
  ])('a condition: %s', (_, Condition, allowed) => {
    const error = send({ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: QUEUE, Condition });
    expect(error === undefined).toBe(allowed);
  });

  test('the policy that CDK writes for enforceSSL does not deny', () => {
    const deny: PolicyStatement = {
      Effect: 'Deny',
      Action: 'sqs:*',
      Resource: QUEUE,
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    };
    expect(send(allow('sqs:SendMessage', QUEUE), deny)).toBeUndefined();
  });

  test('a list may be narrowed to a prefix', () => {
    const Condition = { StringLike: { 's3:prefix': 'work/*' } };
    const list = (Prefix: string) =>
      attempt([{ ...allow('s3:ListBucket', 'arn:aws:s3:::b'), Condition }], 's3', 'ListObjectsV2', {
        Bucket: 'b',
        Prefix,
      });
    expect(list('work/1')).toBeUndefined();
    expect(list('archive/')).toBeInstanceOf(AwsError);
  });

  test.each<[string, object]>([
    ['an unknown operator', { ...allow('s3:*'), Condition: { NumericLessThan: { 's3:max-keys': '10' } } }],
    ['no action', { Effect: 'Allow', Resource: '*' }],
    ['both resources', { ...allow('s3:*'), NotResource: 'arn:x' }],
    ['an unresolved reference', { Effect: 'Allow', Action: 's3:*', Resource: { Ref: 'Bucket' } }],
    ['an unknown effect', { ...allow('s3:*'), Effect: 'allow' }],
  ])('are refused with %s', (_, statement) => {
    const iam = new Iam(new StatefulAws());
    expect(() => iam.setRole(ROLE, [statement as PolicyStatement])).toThrow();
  });
});

describe('who is refused, and how', () => {
  test.each<[ServiceName, string, object, string, number]>([
    ['s3', 'GetObject', { Bucket: 'b', Key: 'k' }, 'AccessDenied', 403],
    ['sqs', 'SendMessage', { QueueUrl }, 'AccessDeniedException', 400],
    ['sns', 'Publish', { TopicArn: arn('sns', 'alerts') }, 'AuthorizationError', 403],
    ['lambda', 'Invoke', { FunctionName: 'work' }, 'AccessDeniedException', 403],
    ['states', 'StartExecution', { stateMachineArn: MACHINE }, 'AccessDeniedException', 400],
    ['appflow', 'StartFlow', { flowName: 'in' }, 'AccessDeniedException', 403],
  ])('%s answers %s with its own code', (service, operation, input, code, status) => {
    expect(attempt([], service, operation, input)).toMatchObject({ code, status });
  });

  test('the message names role, action and resource, and is journalled', () => {
    const aws = new StatefulAws();
    const iam = new Iam(aws);
    iam.setRole(ROLE, []);
    const text =
      `User: ${ROLE} is not authorized to perform: sqs:SendMessage on resource: ${QUEUE} ` +
      'because no identity-based policy allows the sqs:SendMessage action';
    expect(() => iam.authorize({ principal: ROLE }, 'sqs', 'SendMessage', { QueueUrl })).toThrow(text);
    expect(aws.reportedFaults()).toEqual([`iam: ${text}`]);
  });

  test.each([CONSOLE, { principal: 'events.amazonaws.com' }, { principal: 'arn:aws:iam::000000000000:role/unknown' }])(
    '$principal may do everything',
    (caller) => {
      const iam = new Iam(new StatefulAws());
      expect(() => iam.authorize(caller, 'sqs', 'SendMessage', { QueueUrl })).not.toThrow();
    },
  );
});

describe('credentials', () => {
  test('name their role, the same at each start', () => {
    const iam = new Iam(new StatefulAws());
    const { accessKeyId, secretAccessKey } = iam.credentialsFor(ROLE);
    expect(iam.callerOf(accessKeyId)).toEqual({ principal: ROLE });
    expect(new Iam(new StatefulAws()).credentialsFor(ROLE)).toEqual({ accessKeyId, secretAccessKey });
    expect(iam.credentialsFor(`${ROLE}2`).accessKeyId).not.toBe(accessKeyId);
  });

  test('of any other caller are a person at the terminal', () => {
    const iam = new Iam(new StatefulAws());
    expect(iam.callerOf('test')).toEqual(CONSOLE);
    expect(iam.callerOf(undefined)).toEqual(CONSOLE);
  });

  test('of a role that is not here are refused', () => {
    const { accessKeyId } = new Iam(new StatefulAws()).credentialsFor(ROLE);
    expect(() => new Iam(new StatefulAws()).callerOf(accessKeyId)).toThrow(
      expect.objectContaining({ code: 'InvalidClientTokenId' }),
    );
  });

  test('name their holder', () => {
    const identity = new Iam(new StatefulAws()).operations.GetCallerIdentity as (
      input: object,
      caller: object,
    ) => object;
    expect(identity({}, { principal: ROLE })).toMatchObject({
      Account: '000000000000',
      Arn: 'arn:aws:sts::000000000000:assumed-role/worker/local',
    });
  });
});

test('managed policies are known or refused', () => {
  const policy = 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole';
  expect(managedPolicy(policy)).toEqual([expect.objectContaining({ Effect: 'Allow' })]);
  expect(attempt(managedPolicy(policy), 's3', 'ListBuckets', {})).toBeInstanceOf(AwsError);
  expect(() => managedPolicy('arn:aws:iam::aws:policy/AdministratorAccess')).toThrow(
    'AdministratorAccess is not known',
  );
});
