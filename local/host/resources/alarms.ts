import { z } from 'zod';
import { type CallAws, type ResourceMakers, readProperties } from '../resource-maker.ts';

const alarmSchema = z.looseObject({ AlarmName: z.string().optional() });
const filterSchema = z.object({
  FilterName: z.string().optional(),
  FilterPattern: z.string(),
  LogGroupName: z.string(),
  MetricTransformations: z.array(
    z.object({
      MetricNamespace: z.string(),
      MetricName: z.string(),
      MetricValue: z.string(),
      Dimensions: z.array(z.object({ Key: z.string(), Value: z.string() })).default([]),
    }),
  ),
});

/** `AWS::CloudWatch::Alarm`, and the filters that make metrics from logs. An alarm that is there keeps its state. */
export function alarmMakers(call: CallAws): ResourceMakers {
  return {
    'AWS::CloudWatch::Alarm': {
      async make(properties, context) {
        const AlarmName = readProperties(alarmSchema, properties, context).AlarmName ?? context.name(255);
        await call('monitoring', 'PutMetricAlarm', { ...properties, AlarmName });
        const Arn = `arn:aws:cloudwatch:${context.region}:${context.account}:alarm:${AlarmName}`;
        return { ref: AlarmName, attributes: { Arn } };
      },
      remove: async ({ ref }) => {
        await call('monitoring', 'DeleteAlarms', { AlarmNames: [ref] });
      },
    },
    'AWS::Logs::MetricFilter': {
      async make(properties, context) {
        const given = readProperties(filterSchema, properties, context);
        const filterName = given.FilterName ?? context.name(512);
        await call('logs', 'PutMetricFilter', {
          logGroupName: given.LogGroupName,
          filterName,
          filterPattern: given.FilterPattern,
          metricTransformations: given.MetricTransformations.map((each) => ({
            metricNamespace: each.MetricNamespace,
            metricName: each.MetricName,
            metricValue: each.MetricValue,
            dimensions: Object.fromEntries(each.Dimensions.map(({ Key, Value }) => [Key, Value])),
          })),
        });
        return { ref: filterName, attributes: {} };
      },
    },
  };
}
