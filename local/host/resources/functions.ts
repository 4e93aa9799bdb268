import { z } from 'zod';
import type { FunctionSettings } from '../../../packages/embedded-aws/embedded-aws.ts';
import { type ResourceMakers, readProperties } from '../resource-maker.ts';

/** Where functions run. */
export interface FunctionHost {
  register(settings: FunctionSettings): void;
  /** By name. */
  unregister(name: string): Promise<void>;
}

const functionSchema = z.object({
  FunctionName: z.string().optional(),
  Code: z.strictObject({ S3Bucket: z.string(), S3Key: z.string() }),
  PackageType: z.literal('Zip', 'functions from container images are not supported').default('Zip'),
  Handler: z.string(),
  Runtime: z.string(),
  Role: z.string(),
  Timeout: z.coerce.number().default(3),
  MemorySize: z.coerce.number().default(128),
  ReservedConcurrentExecutions: z.coerce.number().optional(),
  Environment: z.object({ Variables: z.record(z.string(), z.coerce.string()) }).optional(),
  LoggingConfig: z.object({ LogGroup: z.string().optional() }).optional(),
  DeadLetterConfig: z.object({ TargetArn: z.string() }).optional(),
});
const permissionSchema = z.object({ FunctionName: z.string(), Principal: z.string() });
const invokeConfigSchema = z.object({
  FunctionName: z.string(),
  MaximumEventAgeInSeconds: z.coerce.number().optional(),
  MaximumRetryAttempts: z.coerce.number().optional(),
  DestinationConfig: z.object({ OnFailure: z.object({ Destination: z.string() }).optional() }).optional(),
});

/** `AWS::Lambda::*`: the code runs from the asset's directory, as it was bundled. */
export function functionMakers(host: FunctionHost): ResourceMakers {
  const settingsByName = new Map<string, FunctionSettings>();
  return {
    'AWS::Lambda::Function': {
      make(properties, context) {
        const given = readProperties(functionSchema, properties, context);
        const name = given.FunctionName ?? context.name(64);
        const arn = `arn:aws:lambda:${context.region}:${context.account}:function:${name}`;
        const settings: FunctionSettings = {
          name,
          arn,
          directory: context.assembly.fileAsset(given.Code.S3Key),
          handler: given.Handler,
          runtime: given.Runtime,
          roleArn: given.Role,
          environment: given.Environment?.Variables ?? {},
          timeoutSeconds: given.Timeout,
          memoryMegabytes: given.MemorySize,
          reservedConcurrency: given.ReservedConcurrentExecutions,
          logGroup: given.LoggingConfig?.LogGroup,
          deadLetterQueueArn: given.DeadLetterConfig?.TargetArn,
        };
        settingsByName.set(name, settings);
        host.register(settings);
        return { ref: name, attributes: { Arn: arn } };
      },
      remove: ({ ref }) => host.unregister(ref),
    },
    'AWS::Lambda::EventInvokeConfig': {
      make(properties, context) {
        const given = readProperties(invokeConfigSchema, properties, context);
        const settings = settingsByName.get(given.FunctionName);
        if (settings !== undefined) {
          host.register({
            ...settings,
            maximumEventAgeSeconds: given.MaximumEventAgeInSeconds,
            maximumRetryAttempts: given.MaximumRetryAttempts,
            onFailureQueueArn: given.DestinationConfig?.OnFailure?.Destination,
          });
        }
        return { ref: context.name(64), attributes: {} };
      },
    },
    // Who else may invoke: the services of this process are trusted to, as their rules and subscriptions say.
    'AWS::Lambda::Permission': {
      make(properties, context) {
        readProperties(permissionSchema, properties, context);
        return { ref: context.name(64), attributes: {} };
      },
    },
  };
}
