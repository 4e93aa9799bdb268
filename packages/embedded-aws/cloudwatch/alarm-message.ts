/** What CloudWatch publishes on a topic when an alarm changes its state (User Guide, "Alarm events" and the mails of SNS). */
import { ACCOUNT } from '../service.ts';
import type { AlarmDefinition, AlarmState } from './alarm.ts';

export interface StateChange {
  readonly arn: string;
  readonly from: AlarmState;
  readonly to: AlarmState;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Names of regions as the subject has them; another region is called by its code. */
const REGION_NAMES: Readonly<Record<string, string>> = { 'us-east-1': 'US East (N. Virginia)' };

/** SNS takes 100 characters. */
const SUBJECT_CHARACTERS = 100;

export function alarmMessage(alarm: AlarmDefinition, change: StateChange, region: string) {
  const place = REGION_NAMES[region] ?? region;
  const {
    AlarmName,
    AlarmDescription,
    ActionsEnabled: _,
    OKActions,
    AlarmActions,
    InsufficientDataActions,
    ...Trigger
  } = alarm;
  const Message = {
    AlarmName,
    AlarmDescription: AlarmDescription ?? null,
    AWSAccountId: ACCOUNT,
    AlarmConfigurationUpdatedTimestamp: null,
    NewStateValue: change.to,
    NewStateReason: change.reason,
    StateChangeTime: new Date(change.at).toISOString().replace('Z', '+0000'),
    Region: place,
    AlarmArn: change.arn,
    OldStateValue: change.from,
    OKActions,
    AlarmActions,
    InsufficientDataActions,
    Trigger,
  };
  return {
    Subject: `${change.to}: "${AlarmName}" in ${place}`.slice(0, SUBJECT_CHARACTERS),
    Message: JSON.stringify(Message),
  };
}
