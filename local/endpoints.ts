import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ObjectMapping } from '../core/mapping/configuration.ts';

/** Where everything answers: what `.local/endpoints.json` holds. */
export interface Endpoints {
  readonly aws: {
    readonly endpoint: string;
    readonly region: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
  /** Of the database's owner, for a person and for the application. */
  readonly postgres: { readonly url: string };
  readonly salesforce: {
    readonly instanceUrl: string;
    readonly accessToken: string;
    readonly clientId: string;
    readonly clientSecret: string;
  };
  /** `bucket`, `topic`, `stateMachine.<pipeline>`, and for each object `inboundFlow.<Object>` and, unless it is read-only, `changeQueue.<Object>` and the like. */
  readonly resources: Readonly<Record<string, string>>;
}

const FILE = 'endpoints.json';

/** Writes the file for its owner's eyes only; it appears whole or not at all. */
export function writeEndpoints(directory: string, endpoints: Endpoints): void {
  const file = join(directory, FILE);
  const part = `${file}.part`;
  writeFileSync(part, `${JSON.stringify(endpoints, undefined, 2)}\n`, { mode: 0o600 });
  // A part that a killed run left keeps its own mode when it is written over.
  chmodSync(part, 0o600);
  renameSync(part, file);
}

export function removeEndpoints(directory: string): void {
  rmSync(join(directory, FILE), { force: true });
}

/**
 * The stack's outputs under the names of `resources`. An output of one object ends in its API name without underscores.
 * Throws an Error that lists the outputs that the template does not have.
 */
export function resourcesOf(
  outputs: Readonly<Record<string, string>>,
  objects: readonly Pick<ObjectMapping, 'object' | 'direction'>[],
): Record<string, string> {
  const names: Record<string, string> = {
    bucket: 'BucketName',
    topic: 'TopicArn',
    'stateMachine.salesforceToPostgres': 'SalesforceToPostgresStateMachineArn',
    'stateMachine.postgresToSalesforce': 'PostgresToSalesforceStateMachineArn',
    'stateMachine.sweep': 'SweepStateMachineArn',
    'deadLetterQueue.salesforceToPostgres': 'SalesforceToPostgresDeadLetterQueueUrl',
    'deadLetterQueue.postgresToSalesforce': 'PostgresToSalesforceDeadLetterQueueUrl',
  };
  for (const { object, direction } of objects) {
    const suffix = object.replaceAll('_', '');
    names[`inboundFlow.${object}`] = `InboundFlowName${suffix}`;
    if (direction === 'to-postgres') continue;
    names[`changeQueue.${object}`] = `ChangeQueueUrl${suffix}`;
    names[`changeDeadLetterQueue.${object}`] = `ChangeDeadLetterQueueUrl${suffix}`;
    names[`outboundFlow.${object}`] = `OutboundFlowName${suffix}`;
  }
  const missing = Object.values(names).filter((output) => outputs[output] === undefined);
  if (missing.length > 0) throw new Error(`The template has no output ${missing.join(', ')}`);
  return Object.fromEntries(Object.entries(names).map(([name, output]) => [name, outputs[output] ?? '']));
}
