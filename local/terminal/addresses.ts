import Table from 'cli-table3';
import type { Endpoints } from '../endpoints.ts';

/** Where to attach to, and with which command. Shown once everything answers. */
export function addressTable(endpoints: Endpoints, stateDirectory: string, coloured: boolean): string {
  const { aws, postgres, salesforce, resources } = endpoints;
  const table = new Table({
    style: coloured ? { head: ['cyan'], border: ['grey'] } : { head: [], border: [] },
    head: ['what', 'address', 'how to attach'],
  });
  const database = new URL(postgres.url);
  table.push(
    ['PostgreSQL', `${database.host}${database.pathname}`, `psql "$(${read(stateDirectory, 'postgres.url')})"`],
    ['Salesforce', salesforce.instanceUrl, 'jsforce: new Connection({ instanceUrl, accessToken })'],
    ['AWS', aws.endpoint, `aws --endpoint-url ${aws.endpoint} stepfunctions list-state-machines`],
    ['bucket', resources.bucket ?? '', `aws --endpoint-url ${aws.endpoint} s3 ls s3://${resources.bucket ?? ''}`],
  );
  return table.toString();
}

/** Secrets are read out of endpoints.json rather than printed. */
function read(stateDirectory: string, member: string): string {
  return `node -p "require('./${stateDirectory}/endpoints.json').${member}"`;
}
