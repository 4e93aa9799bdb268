import { createHash } from 'node:crypto';
import { ACCOUNT, AwsError, type EmbeddedAws, type Operations } from './service.ts';

/** A stack as it stands once everything of it is made. */
export interface DeployedStack {
  readonly name: string;
  readonly description: string | undefined;
  readonly outputs: Readonly<Record<string, string>>;
}

interface StandingStack extends DeployedStack {
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number | undefined;
}

/**
 * CloudFormation, as far as it answers what stands: `DescribeStacks` with the outputs. The local host deploys by itself,
 * in process, and notes the stack here when it is done; a template is not taken over the API.
 */
export class CloudFormation {
  readonly operations: Operations;
  readonly #aws: Pick<EmbeddedAws, 'region' | 'now'>;
  readonly #stacks = new Map<string, StandingStack>();

  constructor(aws: Pick<EmbeddedAws, 'region' | 'now'>) {
    this.#aws = aws;
    this.operations = {
      DescribeStacks: (input: { readonly StackName?: string }) => this.#describe(input.StackName),
    };
  }

  /** Notes a stack that has been deployed, or deployed again. */
  set(stack: DeployedStack): void {
    const before = this.#stacks.get(stack.name);
    const now = this.#aws.now();
    const times = { createdAt: before?.createdAt ?? now, updatedAt: before === undefined ? undefined : now };
    this.#stacks.set(stack.name, { ...stack, ...times });
  }

  /** By name or id. A stack that is not there is a validation error, as in AWS; without a name all are listed. */
  #describe(wanted: string | undefined): object {
    const all = [...this.#stacks.values()].map((stack) => this.#shown(stack));
    if (wanted === undefined || wanted === '') return { Stacks: all };
    const found = all.filter(({ StackName, StackId }) => StackName === wanted || StackId === wanted);
    if (found.length === 0) throw new AwsError('ValidationError', `Stack with id ${wanted} does not exist`);
    return { Stacks: found };
  }

  #shown({ name, description, outputs, createdAt, updatedAt }: StandingStack) {
    return {
      StackId: stackId(name, this.#aws.region),
      StackName: name,
      Description: description,
      CreationTime: new Date(createdAt),
      LastUpdatedTime: updatedAt === undefined ? undefined : new Date(updatedAt),
      DisableRollback: false,
      StackStatus: updatedAt === undefined ? 'CREATE_COMPLETE' : 'UPDATE_COMPLETE',
      Outputs: Object.entries(outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
    };
  }
}

/** The same at each start; in AWS its last part is random. */
function stackId(name: string, region: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
  return `arn:aws:cloudformation:${region}:${ACCOUNT}:stack/${name}/${uuid}`;
}
