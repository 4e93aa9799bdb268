import { z } from 'zod';
import { managedPolicy, type PolicyStatement } from '../../../packages/embedded-aws/embedded-aws.ts';
import { type MakeContext, type ResourceMakers, readProperties } from '../resource-maker.ts';

/** Takes what a role may do: all of it, each time it changes. */
export interface RoleHost {
  setRole(roleArn: string, statements: readonly PolicyStatement[]): void;
}

const texts = z.union([z.string(), z.array(z.string())]);
const statementSchema = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: texts.optional(),
  NotAction: texts.optional(),
  Resource: texts.optional(),
  NotResource: texts.optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});
const documentSchema = z.object({
  Statement: z.union([statementSchema, z.array(statementSchema)]).transform((given) => [given].flat()),
});
const roleSchema = z.object({
  RoleName: z.string().optional(),
  Path: z.string().default('/'),
  ManagedPolicyArns: z.array(z.string()).default([]),
  Policies: z.array(z.object({ PolicyDocument: documentSchema })).default([]),
});
const policySchema = z.object({
  PolicyName: z.string().optional(),
  ManagedPolicyName: z.string().optional(),
  PolicyDocument: documentSchema,
  Roles: z.array(z.string()).default([]),
});

type Statements = readonly z.output<typeof statementSchema>[];

/** `AWS::IAM::*`: what the template grants its roles holds here as well. */
export function roleMakers(host: RoleHost): ResourceMakers {
  const arns = new Map<string, string>();
  const granted = new Map<string, PolicyStatement[]>();
  const ownPolicies = new Map<string, readonly PolicyStatement[]>();
  const grant = (role: string, statements: readonly PolicyStatement[]): void => {
    const all = [...(granted.get(role) ?? []), ...statements];
    granted.set(role, all);
    host.setRole(arns.get(role) ?? role, all);
  };
  const policy = (properties: object, context: MakeContext) => {
    const given = readProperties(policySchema, properties, context);
    const statements = given.PolicyDocument.Statement.map(statement);
    for (const role of given.Roles) grant(role, statements);
    return { ...given, statements };
  };
  return {
    'AWS::IAM::Role': {
      make(properties, context) {
        const given = readProperties(roleSchema, properties, context);
        const name = given.RoleName ?? context.name(64);
        const arn = `arn:aws:iam::${context.account}:role${given.Path}${name}`;
        arns.set(name, arn);
        // A role without any policy may do nothing: it is set, too.
        granted.delete(name);
        grant(name, [
          ...given.ManagedPolicyArns.flatMap((each) => ownPolicies.get(each) ?? managedPolicy(each)),
          ...given.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement.map(statement)),
        ]);
        return { ref: name, attributes: { Arn: arn, RoleId: name } };
      },
    },
    'AWS::IAM::Policy': {
      make(properties, context) {
        const { PolicyName } = policy(properties, context);
        return { ref: PolicyName ?? context.name(128), attributes: {} };
      },
    },
    'AWS::IAM::ManagedPolicy': {
      make(properties, context) {
        const { ManagedPolicyName, statements } = policy(properties, context);
        const arn = `arn:aws:iam::${context.account}:policy/${ManagedPolicyName ?? context.name(128)}`;
        ownPolicies.set(arn, statements);
        return { ref: arn, attributes: { PolicyArn: arn } };
      },
    },
  };
}

/** Without the members that are not there: absent and undefined are not the same to the evaluator. */
function statement(given: Statements[number]): PolicyStatement {
  const { Effect, Sid, Action, NotAction, Resource, NotResource, Condition } = given;
  return {
    Effect,
    ...(Sid !== undefined && { Sid }),
    ...(Action !== undefined && { Action }),
    ...(NotAction !== undefined && { NotAction }),
    ...(Resource !== undefined && { Resource }),
    ...(NotResource !== undefined && { NotResource }),
    ...(Condition !== undefined && { Condition }),
  };
}
