import type { DatabaseSync } from 'node:sqlite';
import { compileEventPattern, type EventPattern } from './event-pattern.ts';
import type { Rule, Target } from './rule.ts';

/** A rule as the book keeps it. */
export interface BookedRule {
  readonly rule: Rule;
  readonly pattern: EventPattern | undefined;
  /** Milliseconds since 1970; rates count from here. */
  readonly createdAt: number;
}

/** The default bus's rules and their targets, durable, with patterns compiled once. */
export class RuleBook {
  readonly #store: DatabaseSync;
  readonly #rules = new Map<string, BookedRule>();

  constructor(store: DatabaseSync) {
    this.#store = store;
    store.exec(`
      CREATE TABLE IF NOT EXISTS events_rule (name TEXT PRIMARY KEY, rule TEXT NOT NULL, created_at REAL NOT NULL);
      CREATE TABLE IF NOT EXISTS events_target (
        rule TEXT NOT NULL, id TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (rule, id))`);
    for (const row of store.prepare('SELECT rule, created_at FROM events_rule').all()) {
      this.#remember(JSON.parse(String(row.rule)) as Rule, Number(row.created_at));
    }
  }

  /** Adds or replaces a rule. Throws AwsError `InvalidEventPatternException` for a pattern that is not one. */
  put(rule: Rule, now: number): void {
    const createdAt = this.#rules.get(rule.Name)?.createdAt ?? now;
    this.#remember(rule, createdAt);
    this.#store
      .prepare('INSERT OR REPLACE INTO events_rule VALUES (?, ?, ?)')
      .run(rule.Name, JSON.stringify(rule), createdAt);
  }

  get(name: string): BookedRule | undefined {
    return this.#rules.get(name);
  }

  /** By name, as lists show them. */
  all(): readonly BookedRule[] {
    return [...this.#rules.values()].sort((a, b) => (a.rule.Name < b.rule.Name ? -1 : 1));
  }

  /** Removes a rule that has no targets any more. */
  remove(name: string): void {
    this.#rules.delete(name);
    this.#store.prepare('DELETE FROM events_rule WHERE name = ?').run(name);
  }

  targets(rule: string): readonly Target[] {
    const rows = this.#store.prepare('SELECT target FROM events_target WHERE rule = ? ORDER BY id').all(rule);
    return rows.map((row) => JSON.parse(String(row.target)) as Target);
  }

  putTarget(rule: string, target: Target): void {
    this.#store
      .prepare('INSERT OR REPLACE INTO events_target VALUES (?, ?, ?)')
      .run(rule, target.Id, JSON.stringify(target));
  }

  /** Says whether there was such a target. */
  removeTarget(rule: string, id: string): boolean {
    const { changes } = this.#store.prepare('DELETE FROM events_target WHERE rule = ? AND id = ?').run(rule, id);
    return Number(changes) > 0;
  }

  #remember(rule: Rule, createdAt: number): void {
    const pattern = rule.EventPattern === undefined ? undefined : compileEventPattern(rule.EventPattern);
    this.#rules.set(rule.Name, { rule, pattern, createdAt });
  }
}
