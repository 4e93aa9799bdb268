import { missingParents, nextStep } from '../../core/agreement/insertion.ts';
import type { Parents } from '../../core/agreement/references.ts';
import type { InsertionToRead } from '../../core/contracts/insertion-tasks.ts';
import type { ObjectMapping, SyncConfiguration } from '../../core/mapping/configuration.ts';
import { dueInsertions } from '../../postgres/ledger/due.ts';
import type { StoredInsertion } from '../../postgres/ledger/insertions.ts';
import { dropInsertions, lockInsertions, saveInsertions } from '../../postgres/ledger/insertions.ts';
import { holdLease } from '../../postgres/ledger/lease.ts';
import type { Reject } from '../../postgres/ledger/rejects.ts';
import { reportNews, resolveRowRejects } from '../../postgres/ledger/rejects.ts';
import { inTransaction } from '../../postgres/session/connection.ts';
import type { ChoosePlace } from '../collect.ts';
import { withColumns } from '../mapping-in-force/columns.ts';
import { keptBack } from '../pairs/unsendable.ts';
import { parentsOf } from '../parents/wake-children.ts';

import { rowReject, toRead } from './new-rows.ts';

/** COLLECT: due new rows, oldest first. Those that have nothing to do are dropped or put to rest. */
export async function chooseInsertions(place: ChoosePlace, limit: number): Promise<InsertionToRead[]> {
  const { mapping } = place;
  if (mapping.externalIdField === undefined) return [];
  return withColumns(place, undefined, (inForce) => chooseInForce({ ...place, ...inForce }, limit));
}

async function chooseInForce(
  { session, configuration, mapping, execution, lease, tell }: ChoosePlace,
  limit: number,
): Promise<InsertionToRead[]> {
  const { settings } = configuration;
  for (;;) {
    const chosen = await inTransaction(session, async () => {
      if (lease !== false) await holdLease(session, mapping.object, execution);
      const keys = await dueInsertions(session, mapping.object, { limit, settings });
      const found = [...(await lockInsertions(session, configuration, mapping, keys)).values()];
      const rows = found.map(({ row }) => row);
      const parents = await parentsOf(session, configuration, mapping, rows);
      const steps = found.map((stored, i) => ({ ...stored, step: stepOf(mapping, stored, parents[i]) }));
      const of = (wanted: Step) => steps.filter(({ step }) => step === wanted);
      await dropInsertions(
        session,
        of('drop').map(({ insertionId }) => insertionId),
      );
      await resolveRowRejects(
        session,
        mapping.object,
        of('drop').map(({ insertion }) => insertion.rowKey),
      );
      await saveInsertions(
        session,
        of('rest').map(({ insertionId, insertion }) => ({ insertionId, insertion: { ...insertion, dirty: false } })),
      );
      const rejects = steps.flatMap((each) => rejectsOf(configuration, mapping, each));
      const context = { object: mapping.object, direction: 'to-salesforce', source: 'row' } as const;
      const news = await reportNews(session, { ...context, execution }, rejects);
      return { found: keys.length - of('left').length, due: of('look'), news };
    });
    tell?.(chosen.news);
    if (chosen.due.length > 0) {
      return chosen.due.map(({ insertionId, insertion }) => toRead({ insertionId, insertion }));
    }
    if (chosen.found === 0) return [];
  }
}

/** again: a parent got its id while we looked; the next round reads the row with it. left: see `Parents`. */
type Step = ReturnType<typeof nextStep> | 'again' | 'left';

function stepOf(mapping: ObjectMapping, { insertion, row }: StoredInsertion, parents: Parents | undefined): Step {
  const step = nextStep(mapping, { insertion, row });
  if (step !== 'rest' || row === undefined || missingParents(mapping, row).length === 0) return step;
  if (parents === 'linked') return 'again';
  return parents === 'locked' ? 'left' : step;
}

/** What is listed of rows that do not go, or not whole. */
function rejectsOf(
  configuration: SyncConfiguration,
  mapping: ObjectMapping,
  { insertion, row, step }: StoredInsertion & { readonly step: Step },
): Reject[] {
  if (step === 'drop' || step === 'again' || step === 'left') return [];
  const kept = keptBack(configuration, mapping, row);
  return kept === undefined ? [] : [rowReject(insertion.rowKey, kept.code, kept.reason, kept.field)];
}
