import type { EmbeddedAws } from '../service.ts';
import type { Timers } from '../timers.ts';
import type { Rule } from './rule.ts';
import type { BookedRule } from './rule-book.ts';
import { scheduleOf } from './schedule-expression.ts';

/** Fires the rules that have a schedule. What was due while nothing ran is not made up for, as in EventBridge. */
export class RuleSchedules {
  readonly #aws: EmbeddedAws;
  readonly #timers: Timers;
  readonly #timeScale: number;
  readonly #fire: (rule: Rule) => void;
  readonly #pending = new Map<string, () => void>();
  #running = false;

  constructor(aws: EmbeddedAws, timers: Timers, timeScale: number, fire: (rule: Rule) => void) {
    this.#aws = aws;
    this.#timers = timers;
    this.#timeScale = timeScale;
    this.#fire = fire;
  }

  start(rules: readonly BookedRule[]): void {
    this.#running = true;
    for (const rule of rules) this.arm(rule);
  }

  stop(): void {
    this.#running = false;
    for (const name of [...this.#pending.keys()]) this.disarm(name);
  }

  /** Waits for the rule's next time, if it has one and is enabled; whatever was waited for before is forgotten. */
  arm(booked: BookedRule): void {
    const { rule, createdAt } = booked;
    this.disarm(rule.Name);
    if (!this.#running || rule.State !== 'ENABLED' || rule.ScheduleExpression === undefined) return;
    const now = this.#aws.now();
    const next = scheduleOf(rule.ScheduleExpression, this.#timeScale).next(now, createdAt);
    if (next === undefined) return;
    const cancel = this.#timers.after(next - now, () => {
      this.#pending.delete(rule.Name);
      // A timer may come a moment early; arming again at the same time would fire twice.
      if (this.#aws.now() < next) this.arm(booked);
      else {
        this.arm(booked);
        this.#fire(rule);
      }
    });
    this.#pending.set(rule.Name, cancel);
  }

  disarm(name: string): void {
    this.#pending.get(name)?.();
    this.#pending.delete(name);
  }
}
