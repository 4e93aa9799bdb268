import { type Setup, setUp } from './appflow-setup.ts';
import { type InboundOptions, inboundFlow } from './flow-templates.ts';

export const FLOW = 'contact-in';
export const NOON = Date.parse('2026-01-31T12:00:00Z');

/** The objects in all files. */
export const lines = (texts: Record<string, string>) =>
  Object.values(texts).flatMap((text) =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { Id: string }),
  );

/** Three contacts of the last minute: a plain one, one with a null, a deleted one. */
export async function setUpWithContacts(flow: InboundOptions = {}, quirks: object = {}): Promise<Setup> {
  const setup = await setUp({ quirks });
  setup.org.put('003A', NOON - 60_000, { LastName: 'Ärger, "jr."', Amount__c: 12.5 });
  setup.org.put('003B', NOON - 50_000, { LastName: null, Amount__c: 7 });
  setup.org.put('003C', NOON - 40_000, { LastName: 'Gone', Amount__c: null, IsDeleted: true });
  await setup.appflow.putFlow(inboundFlow(flow));
  return setup;
}
