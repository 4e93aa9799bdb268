import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';

/** Entry files below functions/, without extension. */
export const FUNCTION_ENTRIES = [
  'salesforce-to-postgres/validate-file',
  'salesforce-to-postgres/map-records',
  'salesforce-to-postgres/apply-records',
  'postgres-to-salesforce/collect-changes',
  'postgres-to-salesforce/decide-changes',
  'postgres-to-salesforce/push-records',
  'postgres-to-salesforce/delete-records',
  'postgres-to-salesforce/settle-batch',
  'postgres-to-salesforce/open-circuit',
  'sweep/open-sweep',
  'sweep/list-records',
  'sweep/compare-links',
  'sweep/close-sweep',
  'read-salesforce',
  'notify',
] as const;

export type FunctionEntry = (typeof FUNCTION_ENTRIES)[number];

/** Where the code of a function comes from. */
export interface FunctionCode {
  code(entry: FunctionEntry): Code;
}

/**
 * The code of all Lambdas, bundled by one run of esbuild (docs/decisions/0002 says why not one NodejsFunction each).
 * Each bundle holds everything it needs, also the AWS SDK: what was tested is what runs, whatever the runtime brings.
 */
export class FunctionBundles implements FunctionCode {
  readonly #folder: (entry: FunctionEntry) => string;

  /** Bundles into `assembly`, beside the staged assets, so that the source maps' relative paths hold for both. */
  constructor(root: string, assembly: string) {
    this.#folder = (entry) => join(assembly, `bundle-${entry.replace('/', '-')}`);
    mkdirSync(assembly, { recursive: true });
    // The bundles are CommonJS. Below a package.json with "type": "module" Node would not take them for that, and
    // would find no handler in them.
    writeFileSync(join(assembly, 'package.json'), '{ "type": "commonjs" }\n');
    buildSync({
      absWorkingDir: root,
      entryPoints: FUNCTION_ENTRIES.map((entry) => ({
        in: `functions/${entry}.ts`,
        out: join(this.#folder(entry), 'index'),
      })),
      outdir: assembly,
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'cjs',
      // The SDK's ES modules can be shaken; its CommonJS files cannot.
      mainFields: ['module', 'main'],
      sourcemap: 'linked',
      sourcesContent: false,
      logLevel: 'error',
    });
  }

  code(entry: FunctionEntry): Code {
    return Code.fromAsset(this.#folder(entry));
  }

  /** Removes what has been staged as assets by now. */
  dispose(): void {
    for (const entry of FUNCTION_ENTRIES) rmSync(this.#folder(entry), { recursive: true, force: true });
  }
}
