import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
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
  'sweep/compare-rows',
  'sweep/close-sweep',
  'read-salesforce',
  'redrive-executions',
  'notify',
] as const;

export type FunctionEntry = (typeof FUNCTION_ENTRIES)[number];

/** Where the code of the Lambdas and of the streamer's image comes from. */
export interface DeployedCode {
  code(entry: FunctionEntry): Code;
  /** A directory with the streamer's Dockerfile and everything that it copies. */
  readonly streamerImage: string;
}

/** `functions/` and the other folders of sfsync lie here: the repository, or `dist/` of the package. */
const PACKAGE_ROOT = fileURLToPath(new URL('..', import.meta.url));
/** `.ts` in the repository, `.js` in the package. */
const EXTENSION = extname(import.meta.filename);
/** What a configuration imports from the package, by its name. */
const PUBLIC_FACE = join(PACKAGE_ROOT, `sfsync${EXTENSION}`);
/** Below the image's directory. The folder is in the command line, which names the process by it. */
const STREAMER_BUNDLE = 'wal-streamer/index';

/**
 * The code of all Lambdas and of the streamer, bundled by one run of esbuild out of the package and the configuration
 * (docs/decisions/platform/0002 says why not one NodejsFunction each, 0020 how a configuration gets in). Each bundle holds
 * everything it needs, also the AWS SDK: what was tested is what runs, whatever the runtime brings.
 */
export class Bundles implements DeployedCode, Disposable {
  readonly streamerImage: string;
  readonly #folder: (entry: FunctionEntry) => string;

  /** Bundles into the cloud assembly, beside the staged assets, so that the source maps' relative paths hold for both. */
  constructor(configurationFile: string, outputDirectory: string) {
    // Both may be relative to the working directory, and the CDK CLI's is; esbuild runs in the package's.
    const assembly = resolve(outputDirectory);
    this.#folder = (entry) => join(assembly, `bundle-${entry.replace('/', '-')}`);
    this.streamerImage = join(assembly, 'bundle-wal-streamer');
    mkdirSync(this.streamerImage, { recursive: true });
    // The bundles are CommonJS. Below a package.json with "type": "module" Node would not take them for that, and
    // would find no handler in them.
    writeFileSync(join(assembly, 'package.json'), '{ "type": "commonjs" }\n');
    copyFileSync(join(PACKAGE_ROOT, 'wal-streamer/Dockerfile'), join(this.streamerImage, 'Dockerfile'));
    buildSync({
      absWorkingDir: PACKAGE_ROOT,
      entryPoints: [
        ...FUNCTION_ENTRIES.map((entry) => ({
          in: `functions/${entry}${EXTENSION}`,
          out: join(this.#folder(entry), 'index'),
        })),
        { in: `wal-streamer/main${EXTENSION}`, out: join(this.streamerImage, STREAMER_BUNDLE) },
      ],
      outdir: assembly,
      alias: {
        '#sync.config': resolve(configurationFile),
        // The same files as the bundle's own, whichever copy the configuration would find by itself.
        ...(existsSync(PUBLIC_FACE) && { sfsync: PUBLIC_FACE }),
      },
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'cjs',
      // The SDK's ES modules can be shaken; its CommonJS files cannot.
      mainFields: ['module', 'main'],
      // Leaves out what does nothing: the failpoints (core/failpoint.ts).
      minifySyntax: true,
      sourcemap: 'linked',
      sourcesContent: false,
      logLevel: 'error',
    });
  }

  code(entry: FunctionEntry): Code {
    return Code.fromAsset(this.#folder(entry));
  }

  /** Removes what has been staged as assets by now. */
  [Symbol.dispose](): void {
    for (const folder of [this.streamerImage, ...FUNCTION_ENTRIES.map(this.#folder)]) {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}
