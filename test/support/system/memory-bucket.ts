/** The bucket, in memory: for steps that work with nothing else. */
import { expect } from 'vitest';
import type { z } from 'zod';
import type { Storage } from '../../../aws/storage.ts';

export class MemoryBucket implements Omit<Storage, 'describe'> {
  readonly objects: Map<string, string | Buffer>;

  constructor(objects: Iterable<readonly [string, string | Buffer]> = []) {
    this.objects = new Map(objects);
  }

  /** As the steps want it. */
  get storage(): Storage {
    return this as unknown as Storage;
  }

  /** Before an object is put or removed. */
  protected changing(): void {}

  #put(key: string, body: string | Buffer | undefined): void {
    this.changing();
    if (body === undefined) this.objects.delete(key);
    else this.objects.set(key, body);
  }

  #read(key: string): Buffer {
    return Buffer.from(this.objects.get(key) ?? expect.unreachable(`there is no ${key}`));
  }

  async create(key: string, body: string): Promise<boolean> {
    if (this.objects.has(key)) return false;
    this.#put(key, body);
    return true;
  }

  async write(key: string, body: string): Promise<void> {
    this.#put(key, body);
  }

  async writeLines(key: string, lines: readonly unknown[]): Promise<void> {
    this.#put(key, linesOf(lines));
  }

  async remove(key: string): Promise<void> {
    this.#put(key, undefined);
  }

  async move(from: string, to: string): Promise<void> {
    this.#put(to, this.#read(from));
    this.#put(from, undefined);
  }

  async list(prefix: string): Promise<string[]> {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  async describe(key: string): Promise<object | undefined> {
    return this.objects.has(key) ? {} : undefined;
  }

  async readRange(key: string, start: number, end: number): Promise<Buffer> {
    return this.#read(key).subarray(start, end);
  }

  async readLines<Schema extends z.ZodType>(key: string, schema: Schema): Promise<z.output<Schema>[]> {
    return this.lines(key).map((line) => schema.parse(line));
  }

  /** The lines of an object, whatever they are. */
  lines(key: string): unknown[] {
    const lines = this.#read(key).toString().split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line));
  }
}

export function linesOf(lines: readonly unknown[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
