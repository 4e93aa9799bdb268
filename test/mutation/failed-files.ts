/**
 * A reporter of Vitest for runs under Stryker, which counts the tests that have failed. A file that cannot be loaded, or whose hooks
 * fail, may have none, and the mutant that does this would survive. Here it gets one.
 */
import type { RunnerTask, RunnerTestFile } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

export class FailedFilesCount implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) {
      // Vitest's own record of the file, which Stryker reads when the run has ended.
      const { task: file } = module as unknown as { readonly task: RunnerTestFile };
      if (file.result?.state !== 'fail' || file.tasks.some(hasFailed)) continue;
      const errors = file.result.errors ?? [];
      const task = {
        type: 'test',
        mode: 'run',
        id: `${file.id}_loads`,
        name: 'loads',
        file,
        result: { state: 'fail', errors },
      };
      file.tasks.push(task as unknown as RunnerTask);
    }
  }
}

function hasFailed(task: RunnerTask): boolean {
  return task.type === 'suite' ? task.tasks.some(hasFailed) : task.result?.state === 'fail';
}
