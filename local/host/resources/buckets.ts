import { z } from 'zod';
import { type CallAws, type ResourceMakers, readProperties } from '../resource-maker.ts';

const bucketSchema = z.object({
  BucketName: z.string().optional(),
  NotificationConfiguration: z
    .strictObject({ EventBridgeConfiguration: z.object({ EventBridgeEnabled: z.coerce.boolean().default(true) }) })
    .optional(),
});

/** `AWS::S3::Bucket` with its events on the bus. Encryption, life cycle and public access are matters of the real S3. */
export function bucketMakers(call: CallAws): ResourceMakers {
  return {
    'AWS::S3::Bucket': {
      async make(properties, context) {
        const { BucketName, NotificationConfiguration } = readProperties(bucketSchema, properties, context);
        const Bucket = BucketName ?? context.name(63).toLowerCase();
        const { Buckets = [] } = await call<{ Buckets?: { Name: string }[] }>('s3', 'ListBuckets', {});
        if (!Buckets.some(({ Name }) => Name === Bucket)) await call('s3', 'CreateBucket', { Bucket });
        const events = NotificationConfiguration?.EventBridgeConfiguration.EventBridgeEnabled === true;
        await call('s3', 'PutBucketNotificationConfiguration', {
          Bucket,
          NotificationConfiguration: events ? { EventBridgeConfiguration: {} } : {},
        });
        const domain = `${Bucket}.s3.amazonaws.com`;
        return {
          ref: Bucket,
          attributes: {
            Arn: `arn:aws:s3:::${Bucket}`,
            DomainName: domain,
            RegionalDomainName: `${Bucket}.s3.${context.region}.amazonaws.com`,
          },
        };
      },
    },
  };
}
