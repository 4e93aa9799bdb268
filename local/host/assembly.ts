import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseTemplate, type Template, TemplateFault } from './template.ts';

/** A synthesised stack: its template, and where the files that the template names by hash lie. */
export interface Assembly {
  readonly stackName: string;
  readonly template: Template;
  /** The file or directory behind an object of the assets bucket (`<hash>.zip`). Throws TemplateFault for an unknown one. */
  fileAsset(objectKey: string): string;
  /** The directory and Dockerfile behind an image URI. Throws TemplateFault for an unknown one. */
  imageAsset(imageUri: string): ImageAsset;
}

export interface ImageAsset {
  readonly directory: string;
  /** Relative to `directory`. */
  readonly dockerFile: string;
}

const manifestSchema = z.object({
  artifacts: z.record(
    z.string(),
    z.object({
      type: z.string(),
      properties: z.looseObject({ templateFile: z.string().optional(), stackName: z.string().optional() }).optional(),
    }),
  ),
});

const assetsSchema = z.object({
  files: z
    .record(
      z.string(),
      z.object({
        source: z.object({ path: z.string() }),
        destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
      }),
    )
    .default({}),
  dockerImages: z
    .record(z.string(), z.object({ source: z.object({ directory: z.string(), dockerFile: z.string().optional() }) }))
    .default({}),
});

/** Reads the cloud assembly that the CDK app wrote into `directory`. Throws TemplateFault when it holds not just one stack. */
export async function readAssembly(directory: string): Promise<Assembly> {
  const manifest = manifestSchema.parse(await readJson(join(directory, 'manifest.json')));
  const stacks = Object.entries(manifest.artifacts).filter(([, { type }]) => type === 'aws:cloudformation:stack');
  const [stack, ...others] = stacks;
  if (stack === undefined || others.length > 0) {
    throw new TemplateFault(`${directory} holds ${stacks.length} stacks; the local host runs an app of one stack`);
  }
  const [id, { properties }] = stack;
  const stackName = properties?.stackName ?? id;
  const template = parseTemplate(await readJson(join(directory, properties?.templateFile ?? `${id}.template.json`)));
  const assets = assetsSchema.parse(await readJson(join(directory, `${id}.assets.json`)));
  const files = new Map(
    Object.values(assets.files).flatMap(({ source, destinations }) =>
      Object.values(destinations).map(({ objectKey }) => [objectKey, join(directory, source.path)] as const),
    ),
  );
  return {
    stackName,
    template,
    fileAsset: (objectKey) => {
      const file = files.get(objectKey);
      if (file === undefined) throw new TemplateFault(`The assembly has no asset ${objectKey}; synthesise it again`);
      return file;
    },
    imageAsset: (imageUri) => {
      const hash = imageUri.split(':').at(-1) ?? '';
      const source = assets.dockerImages[hash]?.source;
      if (source === undefined) {
        throw new TemplateFault(`The image ${imageUri} is not built from this assembly, so it cannot run locally`);
      }
      return { directory: join(directory, source.directory), dockerFile: source.dockerFile ?? 'Dockerfile' };
    },
  };
}

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'));
}
