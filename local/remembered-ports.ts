import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

/** Ports of the run before: noted addresses keep working. */
export class RememberedPorts {
  readonly #file: string;
  readonly #ports: Record<string, number>;

  constructor(file: string) {
    this.#file = file;
    const content: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    this.#ports = z.record(z.string(), z.number()).parse(content);
  }

  get(name: string): number | undefined {
    return this.#ports[name];
  }

  /** What to try first. */
  before(name: string, usual: number): readonly number[] {
    return [this.get(name), usual].filter((port) => port !== undefined);
  }

  set(name: string, port: number): void {
    this.#ports[name] = port;
    writeFileSync(this.#file, JSON.stringify(this.#ports));
  }
}
