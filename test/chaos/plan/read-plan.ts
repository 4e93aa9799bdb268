/** A plan that a run has left. */
import { readFile } from 'node:fs/promises';
import { UsageError } from '../options.ts';
import type { Plan } from './plan.ts';

/** Throws a UsageError where the file is not there, or holds something else. */
export async function readPlan(file: string): Promise<Plan> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'is not there' : `cannot be read (${cause.code})`;
    throw new UsageError(
      `--replay: ${file} ${why}. A seed with violations leaves its plan as .chaos/seed-N.plan.json.`,
    );
  });
  const plan = parsed(text);
  if (isPlan(plan)) return plan;
  throw new UsageError(`--replay: ${file} holds no plan. A plan ends in .plan.json; a history is judged with --judge.`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isPlan(plan: unknown): plan is Plan {
  const parts = ['operations', 'faults', 'fields', 'mappingChanges'];
  return typeof plan === 'object' && plan !== null && parts.every((part) => Array.isArray(Reflect.get(plan, part)));
}
