/** Where a held run stands: before it has done anything, or after its last write, still `InProgress`. */
export type HoldPoint = 'start' | 'end';

export interface RowFault {
  readonly statusCode: string;
  readonly message: string;
}

interface Hold {
  readonly at: HoldPoint;
  readonly released: Promise<void>;
  /** Called once a run has arrived. */
  arrive(executionId: string): void;
  release(): void;
}

/** A hold on a flow, as its setter sees it. */
export interface HeldRun {
  /** The id of the run that is being held, as soon as one is. */
  readonly arrived: Promise<string>;
  /** Lets it go on, and those after it. */
  release(): void;
}

/** Faults that a test or the terminal injects. Each is in force from the next run on. */
export class AppFlowFaults {
  readonly #holds = new Map<string, Hold>();
  readonly #failures = new Map<string, string>();
  readonly #rows = new Map<string, RowFault>();

  /** Keeps the flow's next runs in progress until released. */
  holdRuns(flowName: string, at: HoldPoint = 'start'): HeldRun {
    const released = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<string>();
    const hold: Hold = {
      at,
      released: released.promise,
      arrive: arrived.resolve,
      release: () => {
        if (this.#holds.get(flowName) === hold) this.#holds.delete(flowName);
        released.resolve();
      },
    };
    this.#holds.get(flowName)?.release();
    this.#holds.set(flowName, hold);
    return { arrived: arrived.promise, release: hold.release };
  }

  /** The flow's next run ends in Error with this message, before it has touched anything. */
  failNextRun(flowName: string, message: string): void {
    this.#failures.set(flowName, message);
  }

  /** Rows with these ids (record Id, or external id of an upsert) fail as if Salesforce had refused them. */
  failRows(ids: Iterable<string>, fault: RowFault): void {
    for (const id of ids) this.#rows.set(id, fault);
  }

  /** Takes back what was not yet released; held runs go on. */
  clear(): void {
    this.#failures.clear();
    this.#rows.clear();
    for (const hold of [...this.#holds.values()]) hold.release();
  }

  takeFailure(flowName: string): string | undefined {
    const message = this.#failures.get(flowName);
    this.#failures.delete(flowName);
    return message;
  }

  rowFault(id: string | undefined): RowFault | undefined {
    return id === undefined ? undefined : this.#rows.get(id);
  }

  /** Waits while the flow is held at this point. Throws the signal's reason when the run is cancelled while it waits. */
  async pass(flowName: string, at: HoldPoint, executionId: string, signal: AbortSignal): Promise<void> {
    const hold = this.#holds.get(flowName);
    if (hold?.at !== at) return;
    hold.arrive(executionId);
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', abort);
    try {
      signal.throwIfAborted();
      await Promise.race([hold.released, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }
}
