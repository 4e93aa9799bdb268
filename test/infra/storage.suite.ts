import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import type { Assembly } from './assembly.ts';

/** The bucket, the queues, the topic: what would hurt if it changed. */
export function describeStorage({ template, resources, resource }: Assembly): void {
  describe('the bucket', () => {
    test('sends its events to EventBridge natively: no custom resource, and no Lambda but ours', () => {
      template.hasResourceProperties('AWS::S3::Bucket', {
        NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
      });
      expect(resources('AWS::Lambda::Function')).toHaveLength(17);
      expect(JSON.stringify(template.toJSON())).not.toMatch(/"Type":"(Custom::|AWS::CloudFormation::CustomResource)/);
    });

    test('is encrypted, private, and outlives the stack', () => {
      template.hasResource('AWS::S3::Bucket', { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
      template.hasResourceProperties('AWS::S3::Bucket', {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      });
      template.hasResourceProperties('AWS::S3::BucketPolicy', {
        PolicyDocument: {
          Statement: Match.arrayWith([
            Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
          ]),
        },
      });
    });

    test.each([
      ['salesforce/', 30],
      ['work/', 14],
      ['archive/', 90],
      ['appflow-errors/', 90],
    ])('keeps %s for %i days', (prefix, days) => {
      template.hasResourceProperties('AWS::S3::Bucket', {
        LifecycleConfiguration: {
          Rules: Match.arrayWith([Match.objectLike({ Prefix: prefix, ExpirationInDays: days, Status: 'Enabled' })]),
        },
      });
    });

    test('lets AppFlow of this account read batches, and write records and errors', () => {
      const statements = Object(resource('AWS::S3::BucketPolicy', '')[1].Properties.PolicyDocument).Statement;
      const ofAppFlow = statements.filter((each: { Principal: unknown }) =>
        JSON.stringify(each.Principal).includes('appflow'),
      );
      const summary = ofAppFlow.map((each: { Action: string | string[]; Resource: unknown; Condition: object }) => {
        expect(each.Condition).toHaveProperty(['StringEquals', 'aws:SourceAccount']);
        const paths = JSON.stringify(each.Resource).match(/[a-z-]+\/\*/g) ?? [];
        return { actions: [each.Action].flat().sort(), paths };
      });
      expect(summary).toEqual([
        { actions: ['s3:GetBucketAcl', 's3:ListBucket', 's3:ListBucketMultipartUploads'], paths: [] },
        { actions: ['s3:GetObject'], paths: ['outbound/*'] },
        {
          actions: ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts', 's3:PutObject', 's3:PutObjectAcl'],
          paths: ['appflow-errors/*', 'salesforce/*'],
        },
      ]);
    });
  });

  describe.each(['Account', 'Contact', 'Opportunity'])('the change queue of %s', (object) => {
    const [, queue] = resource('AWS::SQS::Queue', `PostgresToSalesforceQueue${object}Changes`);
    const [deadLettersId] = resource('AWS::SQS::Queue', `PostgresToSalesforceQueue${object}DeadLetters`);

    test('is a standard queue that keeps its messages as long as SQS can, and survives the stack', () => {
      expect(queue.Properties).not.toHaveProperty('FifoQueue');
      expect(queue).toMatchObject({ DeletionPolicy: 'Retain', Properties: { MessageRetentionPeriod: 1_209_600 } });
    });

    test('gives up on a message after ten receives', () => {
      expect(queue.Properties.RedrivePolicy).toEqual({
        deadLetterTargetArn: { 'Fn::GetAtt': [deadLettersId, 'Arn'] },
        maxReceiveCount: 10,
      });
    });

    test('does not show a message again while one call may still work on it', () => {
      const [, collect] = resource('AWS::Lambda::Function', 'PostgresToSalesforceCollectChanges');
      expect(Number(queue.Properties.VisibilityTimeout)).toBeGreaterThan(Number(collect.Properties.Timeout));
    });
  });

  test('every dead letter is kept for 14 days, and every queue wants TLS', () => {
    const queues = resources('AWS::SQS::Queue');
    expect(queues).toHaveLength(3 * 2 + 2 * 2 + 1);
    for (const [id, { Properties }] of queues) {
      expect(Properties.MessageRetentionPeriod, id).toBe(1_209_600);
      const policy = resources('AWS::SQS::QueuePolicy').find(([, each]) =>
        JSON.stringify(each.Properties.Queues).includes(id),
      );
      expect(JSON.stringify(policy), id).toContain('"aws:SecureTransport":"false"');
    }
  });

  test('the topic takes alarms of this account', () => {
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'sns:Publish',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          }),
        ]),
      },
    });
  });
}
