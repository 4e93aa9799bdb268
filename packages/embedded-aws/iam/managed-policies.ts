import type { PolicyStatement } from './policy-statement.ts';

const allow = (...Action: string[]): PolicyStatement => ({ Effect: 'Allow', Action, Resource: '*' });

/** The AWS managed policies that roles of functions and tasks name; they cover what these need around their own work. */
const MANAGED_POLICIES: ReadonlyMap<string, readonly PolicyStatement[]> = new Map([
  [
    'service-role/AWSLambdaBasicExecutionRole',
    [allow('logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents')],
  ],
  [
    'service-role/AWSLambdaVPCAccessExecutionRole',
    [
      allow('logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'),
      allow(
        'ec2:CreateNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSubnets',
        'ec2:DeleteNetworkInterface',
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses',
      ),
    ],
  ],
  [
    'service-role/AmazonECSTaskExecutionRolePolicy',
    [
      allow('ecr:GetAuthorizationToken', 'ecr:BatchCheckLayerAvailability', 'ecr:GetDownloadUrlForLayer'),
      allow('ecr:BatchGetImage', 'logs:CreateLogStream', 'logs:PutLogEvents'),
    ],
  ],
]);

/** The statements of an AWS managed policy. Throws for one that is not listed: what it allows is not known here. */
export function managedPolicy(arn: string): readonly PolicyStatement[] {
  const name = /^arn:aws:iam::aws:policy\/(.+)$/.exec(arn)?.[1];
  const statements = name === undefined ? undefined : MANAGED_POLICIES.get(name);
  if (statements !== undefined) return statements;
  const known = [...MANAGED_POLICIES.keys()].join(', ');
  throw new Error(`managed policy ${arn} is not known; list its statements in managed-policies.ts (known: ${known})`);
}
