import { z } from 'zod';
import { type ResourceMakers, readProperties } from '../resource-maker.ts';

/** Where flows are kept; AppFlow's own checks say what is wrong with the properties. */
export interface FlowHost {
  putFlow(properties: unknown): Promise<{ readonly arn: string }>;
  deleteFlow(flowName: string): void;
}

const flowSchema = z.looseObject({ FlowName: z.string() });

/** `AWS::AppFlow::Flow`. One that is there keeps its watermark. */
export function flowMakers(host: FlowHost): ResourceMakers {
  return {
    'AWS::AppFlow::Flow': {
      async make(properties, context) {
        const { FlowName } = readProperties(flowSchema, properties, context);
        const { arn } = await host.putFlow(properties);
        return { ref: FlowName, attributes: { FlowArn: arn } };
      },
      remove: ({ ref }) => host.deleteFlow(ref),
    },
  };
}
