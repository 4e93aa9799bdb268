import { seconds } from '../states/parameters.ts';
import type { HistoryEvent } from './history.ts';
import { detailsMember } from './history.ts';

/** Left out of the history when the data of the execution are not asked for. */
const DATA = [
  'input',
  'inputDetails',
  'output',
  'outputDetails',
  'parameters',
  'assignedVariables',
  'assignedVariablesDetails',
];

/** A history event as the API answers it. */
export function asApiEvent(event: HistoryEvent, withData: boolean) {
  const { id, previousId, type, at, details } = event;
  const shown = Object.entries(details ?? {}).filter(([name]) => withData || !DATA.includes(name));
  return {
    timestamp: seconds(at),
    type,
    id,
    previousEventId: previousId,
    ...(details === undefined ? {} : { [detailsMember(type)]: Object.fromEntries(shown) }),
  };
}
