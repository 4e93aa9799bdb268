import { join } from 'node:path';
import type { EmbeddedAws } from '../service.ts';
import type { FunctionSettings } from './function-settings.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * The whole environment of a function's sandboxes: its own variables and those that Lambda reserves; nothing of the
 * host's process. The time zone is named, but a thread cannot have one of its own: the host's process must run in UTC.
 */
export function functionEnvironment(
  settings: FunctionSettings,
  aws: Pick<EmbeddedAws, 'region' | 'origin'>,
  credentials: Credentials,
  logStreamName: string,
): Readonly<Record<string, string>> {
  const { name, directory, handler, memoryMegabytes, runtime = 'nodejs22.x' } = settings;
  return {
    TZ: 'UTC',
    LANG: 'en_US.UTF-8',
    ...settings.environment,
    AWS_REGION: aws.region,
    AWS_DEFAULT_REGION: aws.region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL: aws.origin,
    AWS_EXECUTION_ENV: `AWS_Lambda_${runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMegabytes),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: logStreamName,
    LAMBDA_TASK_ROOT: directory,
    _HANDLER: handler,
    // The SDK would read the developer's own profiles: it finds the home directory without HOME, too.
    AWS_CONFIG_FILE: join(directory, '.aws', 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(directory, '.aws', 'credentials'),
  };
}
