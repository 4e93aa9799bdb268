/** Vitest's global setup: one PostgreSQL server for the run. */
import type { TestProject } from 'vitest/node';
import { madeOnce } from './made-once.ts';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await madeOnce(async () => {
    const { launch } = await import('./postgres-launch.ts');
    const { url, shutDown } = await launch();
    return { place: url, remove: shutDown };
  });
  project.provide('postgresStarter', server.url);
  return server.end;
}
