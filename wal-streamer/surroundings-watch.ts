/** Looks at the surroundings of the stream every few seconds, and says what is new. It outlives connections, as what was said does. */

import type { ComparisonReason } from '../core/contracts/comparison.ts';
import type { TableFault } from '../core/stream/table-faults.ts';
import type { Comparison } from '../postgres/ledger/comparison.ts';
import type { Look, SlotKeeper } from './slot-keeper.ts';

/** What was changed and undone in between shows all the same; this is how long it goes unnoticed. */
const LOOK_EVERY_MS = 5_000;

export interface SurroundingsEvents {
  /** Edits of the object do not come through the slot; empty: they do again. */
  unseen(object: string, faults: readonly TableFault[]): void;
  /** Something may have been skipped; a comparison of the object is due. */
  changed(object: string, reasons: readonly ComparisonReason[]): void;
  /** At every look: what is due. `held`: objects whose table cannot be read, so that nothing goes on. */
  comparisonsDue(comparisons: readonly Comparison[], held: ReadonlySet<string>): void;
}

export class SurroundingsWatch {
  readonly #events: SurroundingsEvents;
  /** What was last said of each object. */
  readonly #said = new Map<string, string>();
  #attached: Attached | undefined;

  constructor(events: SurroundingsEvents) {
    this.#events = events;
  }

  /** Looks over the connection of the keeper, now and then again. `failed`: it cannot; `looked`: gets what was found. */
  attach(keeper: Pick<SlotKeeper, 'look'>, failed: (error: unknown) => void, looked: (look: Look) => void): void {
    const timer = setInterval(() => void this.#look(attached), LOOK_EVERY_MS);
    const attached: Attached = { keeper, timer, failed, looked, busy: false };
    this.#attached = attached;
    void this.#look(attached);
  }

  detach(): void {
    clearInterval(this.#attached?.timer);
    this.#attached = undefined;
  }

  async #look(attached: Attached): Promise<void> {
    if (attached.busy || this.#attached !== attached) return;
    attached.busy = true;
    try {
      const look = await attached.keeper.look();
      if (this.#attached !== attached) return;
      attached.looked(look);
      this.#say(look);
    } catch (error) {
      if (this.#attached === attached) attached.failed(error);
    } finally {
      attached.busy = false;
    }
  }

  #say({ faults, changed, comparisons }: Look): void {
    for (const [object, reasons] of changed) this.#events.changed(object, reasons);
    for (const object of new Set([...faults.keys(), ...this.#said.keys()])) {
      const now = faults.get(object) ?? [];
      if (now.join() === (this.#said.get(object) ?? '')) continue;
      this.#said.set(object, now.join());
      this.#events.unseen(object, now);
    }
    const held = [...faults].filter(([, reasons]) => reasons.includes('no table') || reasons.includes('no rights'));
    this.#events.comparisonsDue(comparisons, new Set(held.map(([object]) => object)));
  }
}

interface Attached {
  readonly keeper: Pick<SlotKeeper, 'look'>;
  readonly timer: NodeJS.Timeout;
  readonly failed: (error: unknown) => void;
  readonly looked: (look: Look) => void;
  busy: boolean;
}
