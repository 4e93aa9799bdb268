/** What a session's statements cost the server, those of triggers among them: as auto_explain tells the client. */
import type pg from 'pg';
import { z } from 'zod';
import type { Session } from '../../../postgres/session/connection.ts';

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string | undefined;
  readonly 'Index Name'?: string | undefined;
  readonly 'Actual Rows'?: number | undefined;
  readonly 'Actual Loops'?: number | undefined;
  readonly 'Rows Removed by Filter'?: number | undefined;
  readonly 'Shared Hit Blocks'?: number | undefined;
  readonly 'Shared Read Blocks'?: number | undefined;
  readonly Plans?: readonly PlanNode[] | undefined;
}

const node: z.ZodType<PlanNode> = z.lazy(() =>
  z.object({
    'Node Type': z.string(),
    'Relation Name': z.string().optional(),
    'Index Name': z.string().optional(),
    'Actual Rows': z.number().optional(),
    'Actual Loops': z.number().optional(),
    'Rows Removed by Filter': z.number().optional(),
    'Shared Hit Blocks': z.number().optional(),
    'Shared Read Blocks': z.number().optional(),
    Plans: z.array(node).optional(),
  }),
);
const explained = z.object({ 'Query Text': z.string(), Plan: node });

export interface StatementCost {
  readonly sql: string;
  /** Pages of tables and indexes that were looked at. */
  readonly buffers: number;
  /** Tables that were read from end to end, and in how many rows. */
  readonly read: ReadonlyMap<string, number>;
  /** Rows that a scan of a table looked at, the largest of them. */
  readonly looked: number;
  readonly plan: string;
}

/** For sessions that begin afterwards. */
export async function explainAll(owner: pg.Client, database: string): Promise<void> {
  const settings = {
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_buffers': 'on',
    'auto_explain.log_timing': 'off',
    'auto_explain.log_format': 'json',
    'auto_explain.log_nested_statements': 'on',
    'auto_explain.log_parameter_max_length': '0',
  };
  await owner.query("load 'auto_explain'");
  for (const [name, value] of Object.entries(settings)) {
    await owner.query(`alter database ${database} set ${name} = '${value}'`);
  }
}

/** The statements of `work` in this session. */
export async function costsOf(session: Session, work: () => Promise<unknown>): Promise<StatementCost[]> {
  const costs: StatementCost[] = [];
  const hear = ({ message }: { readonly message?: string | undefined }) => {
    const json = message?.match(/^duration: .* plan:\n(\{[\s\S]*\})$/)?.[1];
    if (json !== undefined) costs.push(costOf(explained.parse(JSON.parse(json))));
  };
  await session.query('set client_min_messages = log');
  session.on('notice', hear);
  try {
    await work();
  } finally {
    session.off('notice', hear);
    await session.query('reset client_min_messages');
  }
  return costs;
}

function costOf({ 'Query Text': sql, Plan: root }: z.output<typeof explained>): StatementCost {
  const read = new Map<string, number>();
  let looked = 0;
  const lines: string[] = [];
  const visit = (each: PlanNode, depth: number) => {
    const loops = each['Actual Loops'] ?? 0;
    const rows = ((each['Actual Rows'] ?? 0) + (each['Rows Removed by Filter'] ?? 0)) * loops;
    const table = each['Relation Name'];
    const isScan = each['Node Type'].endsWith('Scan');
    if (table !== undefined && isScan && !table.startsWith('pg_')) {
      looked = Math.max(looked, rows);
      if (each['Node Type'] === 'Seq Scan' && loops > 0) read.set(table, Math.max(read.get(table) ?? 0, rows));
    }
    const buffers = (each['Shared Hit Blocks'] ?? 0) + (each['Shared Read Blocks'] ?? 0);
    lines.push(
      `${'  '.repeat(depth)}${each['Node Type']} ${table ?? ''} ${each['Index Name'] ?? ''} rows ${rows} buffers ${buffers}`,
    );
    for (const below of each.Plans ?? []) visit(below, depth + 1);
  };
  visit(root, 0);
  const buffers = (root['Shared Hit Blocks'] ?? 0) + (root['Shared Read Blocks'] ?? 0);
  return { sql, buffers, read, looked, plan: lines.join('\n') };
}
