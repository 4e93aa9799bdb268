/** Moves records to Salesforce's recycle bin, and out of it for good. */
import { parted } from '../../core/contracts/insertion-tasks.ts';
import { pushDeletes, pushPurges } from '../../salesforce/push.ts';
import { sendAtMostOnce } from './at-most-once.ts';
import { type PushFile, requireOrgOf, type Sender, targetOf } from './push-file.ts';

/** Answers the key of the outcomes. */
export function sendDeletes(sender: Sender, file: PushFile): Promise<string> {
  const target = targetOf(sender, file);
  const { pushKey } = file;
  return sendAtMostOnce(sender.storage, pushKey, {
    async send(lines) {
      requireOrgOf(sender, lines);
      const changes = parted(lines)[1];
      const deletes = changes.filter(({ kind }) => kind === 'delete');
      const purges = changes.filter(({ kind }) => kind === 'purge');
      const outcomes = [...(await pushDeletes(target, deletes)), ...(await pushPurges(target, purges))];
      sender.log.info('records deleted', { pushKey, records: deletes.length, purged: purges.length });
      return outcomes;
    },
  });
}
