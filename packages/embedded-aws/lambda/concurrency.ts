import { AwsError } from '../service.ts';

/** Something that holds an idle sandbox. */
export interface IdleHolder {
  end(): void;
}

/**
 * The account's concurrency, for all functions together: how many invocations may run at one time, and, since a sandbox
 * costs memory, how many sandboxes are kept beyond them.
 */
export class Concurrency {
  readonly #limit: number;
  readonly #idle = new Set<IdleHolder>();
  #active = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Throws AwsError `TooManyRequestsException` when as many invocations run as may. */
  enter(): void {
    if (this.#active >= this.#limit) throw tooManyRequests('ConcurrentInvocationLimitExceeded');
    this.#active += 1;
  }

  leave(): void {
    this.#active -= 1;
  }

  /** A sandbox has become idle; the one that has been so for longest goes when there are more than the limit. */
  becameIdle(holder: IdleHolder): void {
    this.#idle.add(holder);
    const [oldest] = this.#idle;
    if (oldest !== undefined && this.#idle.size > this.#limit) {
      this.#idle.delete(oldest);
      oldest.end();
    }
  }

  noLongerIdle(holder: IdleHolder): void {
    this.#idle.delete(holder);
  }
}

export function tooManyRequests(Reason: string): AwsError {
  return new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429, { Reason, Type: 'User' });
}
