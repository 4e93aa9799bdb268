import type { EmbeddedAws } from '../../service.ts';
import type { Timers } from '../../timers.ts';
import { type FlowSchedule, firstSlot, nextSlot } from './schedule.ts';

interface ArmedFlow {
  readonly schedule: FlowSchedule;
  /** Where the slots of a rate are counted from. */
  readonly anchor: number;
  /** Takes the next slot back. */
  cancel: () => void;
}

/** Calls back in each slot of each armed flow. A slot that comes while a call is still going on is missed. */
export class FlowTimers {
  readonly #aws: EmbeddedAws;
  readonly #timers: Timers;
  readonly #timeScale: number;
  readonly #onSlot: (flowName: string) => Promise<unknown>;
  readonly #armed = new Map<string, ArmedFlow>();
  #running = false;

  constructor(aws: EmbeddedAws, timers: Timers, timeScale: number, onSlot: (flowName: string) => Promise<unknown>) {
    this.#aws = aws;
    this.#timers = timers;
    this.#timeScale = timeScale;
    this.#onSlot = onSlot;
  }

  start(): void {
    this.#running = true;
  }

  stop(): void {
    this.#running = false;
    for (const flowName of [...this.#armed.keys()]) this.disarm(flowName);
  }

  /** Does nothing before `start`, and for a flow that is armed with the same schedule. */
  arm(flowName: string, schedule: FlowSchedule): void {
    if (!this.#running || this.#armed.get(flowName)?.schedule === schedule) return;
    this.disarm(flowName);
    const now = this.#aws.now();
    const slot = firstSlot(schedule, now, this.#timeScale);
    if (slot === undefined) return;
    const armed: ArmedFlow = { schedule, anchor: schedule.startTime ?? slot, cancel: () => {} };
    this.#armed.set(flowName, armed);
    this.#wait(flowName, armed, slot);
  }

  disarm(flowName: string): void {
    this.#armed.get(flowName)?.cancel();
    this.#armed.delete(flowName);
  }

  #wait(flowName: string, armed: ArmedFlow, slot: number): void {
    const waitMs = Math.max(0, slot - this.#aws.now());
    armed.cancel = this.#timers.after(waitMs, () => void this.#serve(flowName, armed));
  }

  async #serve(flowName: string, armed: ArmedFlow): Promise<void> {
    try {
      await this.#onSlot(flowName);
    } catch (error) {
      const text = `the run in this slot could not be carried out: ${error instanceof Error ? error.message : error}`;
      this.#aws.journal.record({ kind: 'fault', subject: flowName, text });
    }
    if (this.#armed.get(flowName) !== armed) return;
    const slot = nextSlot(armed.schedule, armed.anchor, this.#aws.now(), this.#timeScale);
    if (slot === undefined) this.#armed.delete(flowName);
    else this.#wait(flowName, armed, slot);
  }
}
