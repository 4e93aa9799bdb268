import {
  CfnSecurityGroupIngress,
  type ISecurityGroup,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  type SubnetSelection,
} from 'aws-cdk-lib/aws-ec2';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Deployment } from './deployment.ts';

export interface DatabaseAccessProps {
  readonly deployment: Deployment;
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  readonly securityGroup: ISecurityGroup;
  readonly port: number;
  readonly functionsSecret: ISecret;
  readonly streamerSecret: ISecret;
}

/** The way to the database: its VPC, one security group of ours that may connect to it, and the two roles' secrets. */
export class DatabaseAccess extends Construct {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  readonly securityGroup: SecurityGroup;
  readonly functionsSecret: ISecret;
  readonly streamerSecret: ISecret;

  constructor(scope: Construct, id: string, props: DatabaseAccessProps) {
    super(scope, id);
    this.vpc = props.vpc;
    this.subnets = props.subnets;
    this.functionsSecret = props.functionsSecret;
    this.streamerSecret = props.streamerSecret;
    this.securityGroup = new SecurityGroup(this, 'Clients', {
      vpc: this.vpc,
      description: `${props.deployment.name}: Lambdas and streamer that connect to the database`,
      allowAllOutbound: false,
    });
    this.securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'AWS services');
    this.securityGroup.addEgressRule(props.securityGroup, Port.tcp(props.port), 'PostgreSQL');
    // A resource here, and not a rule of the database's group: that may lie in another stack, which then needs nothing of this one.
    new CfnSecurityGroupIngress(this, 'DatabaseIngress', {
      groupId: props.securityGroup.securityGroupId,
      sourceSecurityGroupId: this.securityGroup.securityGroupId,
      ipProtocol: 'tcp',
      fromPort: props.port,
      toPort: props.port,
      description: props.deployment.name,
    });
  }
}
