import { createHash } from 'node:crypto';
import {
  ACCOUNT,
  AwsError,
  type Caller,
  CONSOLE,
  type EmbeddedAws,
  type Operations,
  type ServiceName,
} from '../service.ts';
import type { RequestContext } from './policy-condition.ts';
import { type CompiledStatement, compileStatement, type Permission, type PolicyStatement } from './policy-statement.ts';
import { requiredPermissions } from './required-permissions.ts';

/** Access keys of roles begin like a role's unique id; any other key is a person's. */
const ROLE_KEY_PREFIX = 'AROA';

/**
 * Who may do what: the identity-based policies of roles, as IAM evaluates them. An explicit deny wins, then an allow is
 * needed.
 *
 * Not covered: resource policies (of queues, topics, buckets, functions), permission boundaries and service control
 * policies. So the console, and AWS's own services (`events.amazonaws.com`), may do everything here; in AWS the latter
 * need a resource policy. A role that was never set may do everything, too: all roles of the template are, so it can only
 * be one that a person named for a function or state machine of their own.
 */
export class Iam {
  /** Of STS. */
  readonly operations: Operations;
  readonly #aws: Pick<EmbeddedAws, 'region' | 'journal'>;
  readonly #roles = new Map<string, readonly CompiledStatement[]>();
  readonly #keys = new Map<string, string>();

  constructor(aws: Pick<EmbeddedAws, 'region' | 'journal'>) {
    this.#aws = aws;
    this.operations = { GetCallerIdentity: (_: object, caller: Caller) => callerIdentity(caller) };
  }

  /** Sets all that a role may do. Throws for a statement that holds something the evaluator does not know. */
  setRole(roleArn: string, statements: readonly PolicyStatement[]): void {
    this.#roles.set(roleArn, statements.map(compileStatement));
    this.credentialsFor(roleArn);
  }

  /**
   * Throws AwsError when the caller may not: `AccessDeniedException`, or the code that the service uses in its place.
   * What is refused is journalled as a fault, for it would fail in AWS as well.
   */
  authorize(caller: Caller, service: ServiceName, operation: string, input: object): void {
    const { principal } = caller;
    const statements = this.#roles.get(principal);
    if (statements === undefined) return;
    const { Prefix } = input as { readonly Prefix?: unknown };
    const context: RequestContext = new Map([
      // Connections are local, but in AWS they are encrypted, and that is what policies are written for.
      ['aws:securetransport', 'true'],
      ['aws:principalarn', principal],
      ['aws:principalaccount', ACCOUNT],
      ['aws:requestedregion', this.#aws.region],
      ...(typeof Prefix === 'string' ? [['s3:prefix', Prefix] as const] : []),
    ]);
    for (const permission of requiredPermissions(service, operation, input, this.#aws.region)) {
      const reason = denial(statements, permission, context);
      if (reason === undefined) continue;
      const { action, resource } = permission;
      const text = `User: ${principal} is not authorized to perform: ${action} on resource: ${resource} ${reason}`;
      this.#aws.journal.record({ kind: 'fault', subject: 'iam', text });
      throw accessDenied(service, text);
    }
  }

  /** The access key of a role: the same at each start. The secret is not checked anywhere. */
  credentialsFor(roleArn: string): { readonly accessKeyId: string; readonly secretAccessKey: string } {
    const digest = createHash('sha256').update(roleArn).digest();
    const accessKeyId = `${ROLE_KEY_PREFIX}${digest.toString('hex').slice(0, 16).toUpperCase()}`;
    this.#keys.set(accessKeyId, roleArn);
    return { accessKeyId, secretAccessKey: digest.toString('base64').slice(0, 40) };
  }

  /**
   * Who signs with an access key: its role, or the console for any other key, and for an unsigned request. Throws AwsError
   * `InvalidClientTokenId` for the key of a role that is not here (of a stack that is gone, say).
   */
  callerOf(accessKeyId: string | undefined): Caller {
    const principal = accessKeyId === undefined ? undefined : this.#keys.get(accessKeyId);
    if (principal !== undefined) return { principal };
    if (accessKeyId?.startsWith(ROLE_KEY_PREFIX) === true) {
      throw new AwsError('InvalidClientTokenId', 'The security token included in the request is invalid.', 403);
    }
    return CONSOLE;
  }
}

/** Why a permission is not given; undefined when it is. */
function denial(
  statements: readonly CompiledStatement[],
  permission: Permission,
  context: RequestContext,
): string | undefined {
  const applying = statements.filter((statement) => statement.applies(permission, context));
  if (applying.some(({ effect }) => effect === 'Deny')) return 'with an explicit deny in an identity-based policy';
  if (applying.length > 0) return undefined;
  return `because no identity-based policy allows the ${permission.action} action`;
}

function accessDenied(service: ServiceName, message: string): AwsError {
  switch (service) {
    case 's3':
    case 'cloudformation':
    case 'sts':
      return new AwsError('AccessDenied', message, 403);
    case 'sns':
      return new AwsError('AuthorizationError', message, 403);
    case 'lambda':
    case 'appflow':
      return new AwsError('AccessDeniedException', message, 403);
    case 'sqs':
    case 'events':
    case 'states':
    case 'secretsmanager':
    case 'monitoring':
    case 'logs':
      return new AwsError('AccessDeniedException', message, 400);
    default:
      throw service satisfies never;
  }
}

function callerIdentity({ principal }: Caller): object {
  const role = /:role\/(?:.*\/)?([^/]+)$/.exec(principal)?.[1];
  if (role === undefined) return { UserId: ACCOUNT, Account: ACCOUNT, Arn: `arn:aws:iam::${ACCOUNT}:root` };
  return { UserId: `AROA:${role}`, Account: ACCOUNT, Arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${role}/local` };
}
