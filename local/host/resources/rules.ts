import { z } from 'zod';
import { type CallAws, type ResourceMakers, readProperties } from '../resource-maker.ts';

const ruleSchema = z.object({
  Name: z.string().optional(),
  Description: z.string().optional(),
  EventBusName: z.string().optional(),
  EventPattern: z.record(z.string(), z.unknown()).optional(),
  ScheduleExpression: z.string().optional(),
  State: z.string().optional(),
  RoleArn: z.string().optional(),
  Targets: z.array(z.looseObject({ Id: z.string(), Arn: z.string() })).default([]),
});

/** `AWS::Events::Rule`: by pattern or schedule, with its targets. */
export function ruleMakers(call: CallAws): ResourceMakers {
  return {
    'AWS::Events::Rule': {
      async make(properties, context) {
        const { Name, Targets, EventPattern, ...more } = readProperties(ruleSchema, properties, context);
        const name = Name ?? context.name(64);
        const pattern = EventPattern && { EventPattern: JSON.stringify(EventPattern) };
        const { RuleArn } = await call<{ RuleArn: string }>('events', 'PutRule', { Name: name, ...more, ...pattern });
        const gone = (await targetsOf(call, name)).filter((id) => Targets.every(({ Id }) => Id !== id));
        if (gone.length > 0) await call('events', 'RemoveTargets', { Rule: name, Ids: gone });
        if (Targets.length > 0) await call('events', 'PutTargets', { Rule: name, Targets });
        return { ref: name, attributes: { Arn: RuleArn } };
      },
      remove: async ({ ref }) => {
        const Ids = await targetsOf(call, ref);
        if (Ids.length > 0) await call('events', 'RemoveTargets', { Rule: ref, Ids });
        await call('events', 'DeleteRule', { Name: ref });
      },
    },
  };
}

async function targetsOf(call: CallAws, rule: string): Promise<string[]> {
  const { Targets } = await call<{ Targets: { Id: string }[] }>('events', 'ListTargetsByRule', { Rule: rule });
  return Targets.map(({ Id }) => Id);
}
