/** What a team's CDK app imports from 'sfsync/cdk'. */
export { SyncStack } from './infra/stack.ts';
