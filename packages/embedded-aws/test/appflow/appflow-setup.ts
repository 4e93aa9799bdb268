import { AppFlow, type AppFlowOptions } from '../../appflow/appflow.ts';
import { openStore } from '../../store.ts';
import { FakeAws } from './fake-aws.ts';
import { FakeOrg } from './fake-org.ts';

export interface RunDescription {
  readonly executionId: string;
  readonly executionStatus: string;
  readonly executionResult: {
    readonly errorInfo?: { readonly putFailuresCount?: number; readonly executionMessage?: string };
    readonly recordsProcessed: number;
    readonly bytesProcessed: number;
    readonly bytesWritten: number;
  };
  readonly startedAt: number;
  readonly dataPullStartTime?: number;
  readonly dataPullEndTime?: number;
}

/** AppFlow between a fake org and fake buckets. With `file` it can be restarted with what it remembers. */
export class Setup {
  readonly aws: FakeAws;
  readonly org: FakeOrg;
  readonly appflow: AppFlow;
  readonly #store: ReturnType<typeof openStore>;

  constructor(aws: FakeAws, org: FakeOrg, options: Partial<AppFlowOptions>, file: string | undefined) {
    this.aws = aws;
    this.org = org;
    this.#store = openStore(file);
    this.appflow = new AppFlow(aws, this.#store, {
      timers: aws,
      connections: async (name) => {
        if (name !== 'org') throw new Error('there is no such profile');
        return { instanceUrl: org.instanceUrl, accessToken: async () => '00D!token' };
      },
      ...options,
    });
  }

  /** Calls an operation as the endpoint does. */
  async call<Output>(operation: string, input: object): Promise<Output> {
    const run = this.appflow.operations[operation];
    if (!run) throw new Error(`there is no operation ${operation}`);
    return (await run(input as never, { principal: 'console' })) as Output;
  }

  /** Starts the flow on demand and answers how the run ended. */
  async runOnDemand(flowName = 'contact-out'): Promise<RunDescription> {
    const ended = this.aws.nextEvent('AppFlow End Flow Run Report');
    const { executionId } = await this.call<{ executionId: string }>('StartFlow', { flowName });
    await ended;
    return this.run(flowName, executionId);
  }

  async runs(flowName: string): Promise<readonly RunDescription[]> {
    const input = { flowName, maxResults: 100 };
    return (await this.call<{ flowExecutions: RunDescription[] }>('DescribeFlowExecutionRecords', input))
      .flowExecutions;
  }

  async run(flowName: string, executionId: string): Promise<RunDescription> {
    const found = (await this.runs(flowName)).find((run) => run.executionId === executionId);
    if (!found) throw new Error(`run ${executionId} is not recorded`);
    return found;
  }

  /** Ends it without a word, as `kill -9` does: nothing more is written. */
  kill(): void {
    if (this.#store.isOpen) this.#store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.appflow.stop();
    this.kill();
  }
}

/** A setup with an org of its own; dispose of the org after it. */
export async function setUp(options: Partial<AppFlowOptions> = {}, file?: string): Promise<Setup & AsyncDisposable> {
  const org = await new FakeOrg().listen();
  const setup = new Setup(new FakeAws(), org, options, file);
  const dispose = setup[Symbol.asyncDispose].bind(setup);
  setup[Symbol.asyncDispose] = async () => {
    await dispose();
    await org[Symbol.asyncDispose]();
  };
  return setup;
}
