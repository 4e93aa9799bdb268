import {
  CfnSecurityGroupIngress,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';

export interface DatabaseAccessProps {
  readonly vpcId: string;
  /** A token for the whole list. */
  readonly privateSubnetIds: string[];
  readonly databaseSecurityGroupId: string;
  readonly databaseSecretArn: string;
  readonly streamerSecretArn: string;
}

const POSTGRES = Port.tcp(5432);

/** The way to the database: its VPC, one security group of ours that may connect to it, and the two roles' secrets. */
export class DatabaseAccess extends Construct {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection = { subnetType: SubnetType.PRIVATE_WITH_EGRESS };
  readonly securityGroup: SecurityGroup;
  readonly functionsSecret: ISecret;
  readonly streamerSecret: ISecret;

  constructor(scope: Construct, id: string, props: DatabaseAccessProps) {
    super(scope, id);
    // The list of subnets is one token, of unknown length: one "zone" holds it, and it is rendered as the whole list.
    this.vpc = Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId: props.vpcId,
      availabilityZones: ['any'],
      privateSubnetIds: props.privateSubnetIds,
    });
    this.securityGroup = new SecurityGroup(this, 'Clients', {
      vpc: this.vpc,
      description: 'sfsync: Lambdas and streamer that connect to the database',
      allowAllOutbound: false,
    });
    const database = SecurityGroup.fromSecurityGroupId(this, 'Database', props.databaseSecurityGroupId, {
      mutable: false,
    });
    this.securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'AWS services');
    this.securityGroup.addEgressRule(database, POSTGRES, 'PostgreSQL');
    new CfnSecurityGroupIngress(this, 'DatabaseIngress', {
      groupId: props.databaseSecurityGroupId,
      sourceSecurityGroupId: this.securityGroup.securityGroupId,
      ipProtocol: 'tcp',
      fromPort: 5432,
      toPort: 5432,
      description: 'sfsync',
    });
    this.functionsSecret = Secret.fromSecretCompleteArn(this, 'FunctionsSecret', props.databaseSecretArn);
    this.streamerSecret = Secret.fromSecretCompleteArn(this, 'StreamerSecret', props.streamerSecretArn);
  }
}
