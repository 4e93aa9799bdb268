import { z } from 'zod';
import { DescribeFault } from './from-describe.ts';

const stage = z.looseObject({
  ApiName: z.string(),
  /** Percent. */
  DefaultProbability: z.number(),
  IsClosed: z.boolean(),
  IsWon: z.boolean(),
  ForecastCategoryName: z.string(),
});

/** A stage of opportunities, with what the platform derives from it: a record of object OpportunityStage. */
export type OpportunityStage = Readonly<z.output<typeof stage>>;

const queryAnswer = z.looseObject({ records: z.array(stage) });

/** The stages in what Salesforce answers to a query of OpportunityStage. Throws DescribeFault for anything else. */
export function stagesFromQuery(answer: unknown): readonly OpportunityStage[] {
  const { success, data, error } = queryAnswer.safeParse(answer);
  if (success) return data.records;
  throw new DescribeFault(`This is no answer to a query of OpportunityStage. ${z.prettifyError(error)}`);
}

const open = (ApiName: string, DefaultProbability: number): OpportunityStage => ({
  ApiName,
  DefaultProbability,
  IsClosed: false,
  IsWon: false,
  ForecastCategoryName: 'Pipeline',
});

/** What a new org has. */
export const STANDARD_STAGES: readonly OpportunityStage[] = [
  open('Prospecting', 10),
  open('Qualification', 10),
  open('Needs Analysis', 20),
  open('Value Proposition', 50),
  open('Id. Decision Makers', 60),
  open('Perception Analysis', 70),
  open('Proposal/Price Quote', 75),
  open('Negotiation/Review', 90),
  { ...open('Closed Won', 100), IsClosed: true, IsWon: true, ForecastCategoryName: 'Closed' },
  { ...open('Closed Lost', 0), IsClosed: true, ForecastCategoryName: 'Omitted' },
];
