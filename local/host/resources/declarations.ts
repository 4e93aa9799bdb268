import type { ResourceMakers } from '../resource-maker.ts';

/**
 * What has a meaning in AWS only: network, encryption at rest, dashboards, access to buckets. Locally such a
 * resource is a name that others may refer to. Whether an attribute exists is known by the use that is made of it.
 */
const DECLARATIONS: Readonly<Record<string, readonly string[]>> = {
  'AWS::CDK::Metadata': [],
  'AWS::CloudWatch::CompositeAlarm': ['Arn'],
  'AWS::CloudWatch::Dashboard': [],
  'AWS::EC2::SecurityGroup': ['GroupId', 'VpcId'],
  'AWS::EC2::SecurityGroupEgress': ['Id'],
  'AWS::EC2::SecurityGroupIngress': ['Id'],
  'AWS::KMS::Alias': [],
  'AWS::KMS::Key': ['Arn', 'KeyId'],
  'AWS::Logs::LogGroup': ['Arn'],
  'AWS::S3::BucketPolicy': [],
};

/** Makers of the types that are declarations only. */
export function declarationMakers(): ResourceMakers {
  return Object.fromEntries(
    Object.entries(DECLARATIONS).map(([type, attributeNames]) => [
      type,
      {
        make: (_properties, { name, region, account }) => {
          const ref = name(255);
          const arn = `arn:aws:local:${region}:${account}:${ref}`;
          return {
            ref,
            attributes: Object.fromEntries(attributeNames.map((each) => [each, each === 'Arn' ? arn : ref])),
          };
        },
      },
    ]),
  ) satisfies ResourceMakers;
}
