import type { CallAws, ResourceMakers } from './resource-maker.ts';
import { alarmMakers } from './resources/alarms.ts';
import { bucketMakers } from './resources/buckets.ts';
import { type ContainerHost, containerMakers } from './resources/containers.ts';
import { declarationMakers } from './resources/declarations.ts';
import { type FlowHost, flowMakers } from './resources/flows.ts';
import { type FunctionHost, functionMakers } from './resources/functions.ts';
import { queueMakers } from './resources/queues.ts';
import { type RoleHost, roleMakers } from './resources/roles.ts';
import { ruleMakers } from './resources/rules.ts';
import { stateMachineMakers } from './resources/state-machines.ts';
import { topicMakers } from './resources/topics.ts';

/** What makes resources that have no API here, or whose API would need a deployment of its own. */
export interface Hosts {
  readonly containers: ContainerHost;
  readonly flows: FlowHost;
  readonly functions: FunctionHost;
  readonly roles: RoleHost;
}

/** The makers of every type that the local host knows. */
export function resourceMakers(call: CallAws, hosts: Hosts): ResourceMakers {
  return {
    ...declarationMakers(),
    ...alarmMakers(call),
    ...bucketMakers(call),
    ...queueMakers(call),
    ...topicMakers(call),
    ...ruleMakers(call),
    ...stateMachineMakers(call),
    ...containerMakers(hosts.containers),
    ...flowMakers(hosts.flows),
    ...functionMakers(hosts.functions),
    ...roleMakers(hosts.roles),
  };
}
