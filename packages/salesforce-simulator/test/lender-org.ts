/** The sample's org, which most of these tests work on: its objects and stages, from the files that `npm start` reads. */
import { readFileSync } from 'node:fs';
import { objectsFromDescribes } from '../schema/from-describe.ts';
import { stagesFromQuery } from '../schema/opportunity-stages.ts';

function fileOf(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../examples/lender/salesforce/${name}.json`, import.meta.url), 'utf8'));
}

/** Describe results of the objects, parents first. */
export const LENDER_DESCRIBES = ['Account', 'Contact', 'Opportunity'].map(fileOf);

export const LENDER_ORG = {
  objects: objectsFromDescribes(LENDER_DESCRIBES).objects,
  stages: stagesFromQuery(fileOf('OpportunityStage.records')),
};
