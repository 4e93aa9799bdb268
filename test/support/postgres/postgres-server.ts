/** Vitest's global setup: one PostgreSQL server for the run, and in it the prepared database that others are copied from. */
import type { TestProject } from 'vitest/node';
import { madeOnce, placeOf } from '../run/made-once.ts';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await madeOnce(async () => {
    const { launch } = await import('./postgres-launch.ts');
    const { url, shutDown } = await launch();
    return { place: url, remove: shutDown };
  });
  const template = await madeOnce(async () => {
    const { makeLenderTemplate } = await import('./lender-template.ts');
    // It goes with the server.
    return { place: await makeLenderTemplate(await placeOf(server.url)), remove: async () => undefined };
  });
  project.provide('postgresStarter', server.url);
  project.provide('lenderTemplate', template.url);
  return async () => {
    await template.end();
    await server.end();
  };
}
