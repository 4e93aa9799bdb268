/**
 * Values of people live in the two systems, in schema sfsync and in the bucket. Everything else that this run left is
 * searched for them: what the queues, the event bus, the executions and the topic hold or held, and every log.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { BothSides, Machine } from '../support/system/both-sides.ts';
import type { Traffic } from '../support/system/traffic.ts';

/** The server's own log quotes rows that it refused, of every client: it belongs to the database. */
const DATABASE_LOG = 'postgres.log';

/** `withDeadLetters` names the machines of which the tests before have left dead letters; those of the others count, too. */
export function personalData(
  sides: () => BothSides,
  traffic: () => Traffic,
  withDeadLetters: readonly Machine[],
): void {
  const contents = async (directory: string, fits: (name: string) => boolean): Promise<string> => {
    const names = (await readdir(directory)).filter(fits);
    return (await Promise.all(names.map((name) => readFile(join(directory, name), 'latin1')))).join('\n');
  };
  const values = async (): Promise<string[]> => {
    const sample = await sides().rows<{ email: string | null; phone: string | null }>(
      'select email, phone from borrowers',
    );
    const all = [...sides().personalValues, ...sample.flatMap(({ email, phone }) => [email, phone])];
    return [...new Set(all.filter((value) => value !== null))];
  };
  const found = async (text: string) => (await values()).filter((value) => text.includes(value));

  describe('no value of a person shows', () => {
    test('in a message of any queue, or in an event', async () => {
      const bodies = traffic().bodies.join('\n');
      const linked = await sides().rows<{ key: string }>(
        'select row_key as key from sfsync.link where row_key is not null',
      );
      expect(
        linked.some(({ key }) => bodies.includes(key)),
        'the key of an edited row in a change message',
      ).toBe(true);
      for (const type of ['Object Created', 'Changes available', 'Step Functions Execution Status Change']) {
        expect(bodies.includes(`"detail-type":"${type}"`), type).toBe(true);
      }
      expect(await found(bodies)).toEqual([]);
    });

    test('in anything else that the services keep', async () => {
      const store = await contents(join(sides().system.directory, 'aws'), (name) => name.startsWith('store.sqlite'));
      expect(store.includes(sides().resource('bucket')), 'the store that is searched').toBe(true);
      expect(await found(store)).toEqual([]);
    });

    test('in the history of an execution', async () => {
      for (const machine of ['salesforceToPostgres', 'postgresToSalesforce'] as const) {
        const executions = await sides().executions(machine);
        expect(executions).not.toEqual([]);
        for (const { executionArn } of executions) {
          expect(await found(JSON.stringify(await sides().history(executionArn)))).toEqual([]);
          expect(await found(JSON.stringify(await sides().describe(executionArn)))).toEqual([]);
        }
      }
    });

    test('in notifications and dead letters', async () => {
      const notifications = JSON.stringify(sides().notifications());
      expect(notifications.includes('rejected record')).toBe(true);
      expect(await found(notifications)).toEqual([]);
      for (const machine of ['salesforceToPostgres', 'postgresToSalesforce'] as const) {
        const letters = await sides().deadLetters(machine);
        if (withDeadLetters.includes(machine)) expect(letters).not.toEqual([]);
        expect(await found(letters.join('\n'))).toEqual([]);
      }
    });

    test('in the logs of functions and streamer, or on the terminal', async () => {
      const logs = await contents(join(sides().system.directory, 'logs'), (name) => name !== DATABASE_LOG);
      for (const line of ['records applied', 'batch decided', 'streaming from']) expect(logs.includes(line)).toBe(true);
      expect(await found(logs)).toEqual([]);
      expect(await found(JSON.stringify(sides().entries))).toEqual([]);
    });
  });
}
