import type { EmbeddedAws } from '../service.ts';
import { type FlowSchedule, firstSlot, nextSlot } from './schedule.ts';

/** setTimeout takes at most 2^31-1 ms; further slots are waited for in steps. */
const LONGEST_WAIT_MS = 24 * 3_600_000;

interface Timer {
  readonly schedule: FlowSchedule;
  /** Where the slots of a rate are counted from. */
  readonly anchor: number;
  handle: NodeJS.Timeout | undefined;
}

/** Calls back in each slot of each armed flow. A slot that comes while a call is still going on is missed. */
export class FlowTimers {
  readonly #aws: EmbeddedAws;
  readonly #timeScale: number;
  readonly #onSlot: (flowName: string) => Promise<unknown>;
  readonly #timers = new Map<string, Timer>();
  #running = false;

  constructor(aws: EmbeddedAws, timeScale: number, onSlot: (flowName: string) => Promise<unknown>) {
    this.#aws = aws;
    this.#timeScale = timeScale;
    this.#onSlot = onSlot;
  }

  start(): void {
    this.#running = true;
  }

  stop(): void {
    this.#running = false;
    for (const flowName of [...this.#timers.keys()]) this.disarm(flowName);
  }

  /** Does nothing before `start`, and for a flow that is armed with the same schedule. */
  arm(flowName: string, schedule: FlowSchedule): void {
    if (!this.#running || this.#timers.get(flowName)?.schedule === schedule) return;
    this.disarm(flowName);
    const now = this.#aws.now();
    const slot = firstSlot(schedule, now, this.#timeScale);
    if (slot === undefined) return;
    const timer: Timer = { schedule, anchor: schedule.startTime ?? slot, handle: undefined };
    this.#timers.set(flowName, timer);
    this.#wait(flowName, timer, slot);
  }

  disarm(flowName: string): void {
    clearTimeout(this.#timers.get(flowName)?.handle);
    this.#timers.delete(flowName);
  }

  #wait(flowName: string, timer: Timer, slot: number): void {
    const waitMs = Math.max(0, slot - this.#aws.now());
    if (waitMs > LONGEST_WAIT_MS) {
      timer.handle = setTimeout(() => this.#wait(flowName, timer, slot), LONGEST_WAIT_MS);
      return;
    }
    timer.handle = setTimeout(() => void this.#serve(flowName, timer), waitMs);
  }

  async #serve(flowName: string, timer: Timer): Promise<void> {
    try {
      await this.#onSlot(flowName);
    } catch (error) {
      const text = `the run in this slot could not be carried out: ${error instanceof Error ? error.message : error}`;
      this.#aws.journal.record({ kind: 'fault', subject: flowName, text });
    }
    if (this.#timers.get(flowName) !== timer) return;
    const slot = nextSlot(timer.schedule, timer.anchor, this.#aws.now(), this.#timeScale);
    if (slot === undefined) this.#timers.delete(flowName);
    else this.#wait(flowName, timer, slot);
  }
}
