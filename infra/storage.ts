import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Effect, Grant, type IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, type BucketPolicy, type CfnBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import {
  APPFLOW_ERRORS_PREFIX,
  ARCHIVE_PREFIX,
  INBOUND_PREFIX,
  OUTBOUND_PREFIX,
  WORK_PREFIX,
} from '../core/contracts/storage-layout.ts';

/** Days after which what lies under a prefix is deleted. A redrive is possible for 14 days, so its files live as long. */
const DAYS_KEPT = {
  [WORK_PREFIX]: 14,
  [INBOUND_PREFIX]: 30,
  [ARCHIVE_PREFIX]: 90,
  [APPFLOW_ERRORS_PREFIX]: 90,
} as const;

/** The bucket between the services: files of the flows, scratch files of the machines. */
export class Storage extends Construct {
  readonly bucket: Bucket;
  /** A flow is refused unless this policy is there before it. */
  readonly policy: BucketPolicy;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [
        ...Object.entries(DAYS_KEPT).map(([prefix, days]) => ({
          id: `Expire ${prefix}`,
          prefix,
          expiration: Duration.days(days),
        })),
        { id: 'Abort unfinished uploads', abortIncompleteMultipartUploadAfter: Duration.days(7) },
      ],
    });
    // `eventBridgeEnabled` would deploy a custom resource for what is a property of the bucket.
    (bucket.node.defaultChild as CfnBucket).addPropertyOverride(
      'NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled',
      true,
    );
    this.bucket = bucket;
    this.#letAppFlowIn();
    if (bucket.policy === undefined) throw new Error('the bucket has no policy, though TLS is enforced by one');
    this.policy = bucket.policy;
  }

  grantRead(grantee: IGrantable, ...prefixes: readonly string[]): Grant {
    return this.#grant(grantee, ['s3:GetObject'], prefixes);
  }

  grantWrite(grantee: IGrantable, ...prefixes: readonly string[]): Grant {
    return this.#grant(grantee, ['s3:PutObject', 's3:AbortMultipartUpload'], prefixes);
  }

  grantDelete(grantee: IGrantable, ...prefixes: readonly string[]): Grant {
    return this.#grant(grantee, ['s3:DeleteObject'], prefixes);
  }

  grantList(grantee: IGrantable, prefix: string): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['s3:ListBucket'],
      resourceArns: [this.bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': `${prefix}*` } },
    });
  }

  #grant(grantee: IGrantable, actions: string[], prefixes: readonly string[]): Grant {
    const resourceArns = prefixes.map((prefix) => this.bucket.arnForObjects(`${prefix}*`));
    return Grant.addToPrincipal({ grantee, actions, resourceArns });
  }

  /** AppFlow User Guide, Amazon S3 bucket policies: one set of actions for a source, another for a destination. */
  #letAppFlowIn(): void {
    const { account } = Stack.of(this);
    const allow = (sid: string, actions: string[], resources: string[]) =>
      this.bucket.addToResourcePolicy(
        new PolicyStatement({
          sid,
          effect: Effect.ALLOW,
          principals: [new ServicePrincipal('appflow.amazonaws.com')],
          actions,
          resources,
          conditions: {
            StringEquals: { 'aws:SourceAccount': account },
            ArnLike: { 'aws:SourceArn': this.#everyFlowArn() },
          },
        }),
      );
    const objects = (...prefixes: string[]) => prefixes.map((prefix) => this.bucket.arnForObjects(`${prefix}*`));
    allow(
      'AppFlowLists',
      ['s3:ListBucket', 's3:ListBucketMultipartUploads', 's3:GetBucketAcl'],
      [this.bucket.bucketArn],
    );
    allow('AppFlowReadsBatches', ['s3:GetObject'], objects(OUTBOUND_PREFIX));
    allow(
      'AppFlowWritesRecordsAndErrors',
      ['s3:PutObject', 's3:PutObjectAcl', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
      objects(INBOUND_PREFIX, APPFLOW_ERRORS_PREFIX),
    );
  }

  /** With any region: the guide's own sample leaves it empty, events carry one. */
  #everyFlowArn(): string {
    return Stack.of(this).formatArn({
      service: 'appflow',
      region: '*',
      resource: '*',
      arnFormat: ArnFormat.NO_RESOURCE_NAME,
    });
  }
}
