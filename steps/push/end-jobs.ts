/** Ends the Bulk jobs of an earlier push, before its records are read. */
import type { Storage } from '../../aws/storage.ts';
import { bulkJobOf, MARKER_BYTES, pushMarkers } from '../../core/contracts/storage-layout.ts';
import { endBulkJob } from '../../salesforce/bulk-ingest.ts';
import type { SalesforceConnection } from '../../salesforce/connection.ts';

/**
 * Aborts the Bulk jobs of a push whose execution is gone, and waits until nothing of them can land any more. Its calls
 * need no such thing: they are over by the time at which their records are taken up again.
 */
export async function endJobsOf(storage: Storage, connection: SalesforceConnection, pushId: string): Promise<void> {
  for (const prefix of pushMarkers(pushId)) {
    for (const key of (await storage.list(prefix)).filter((each) => each.endsWith('-begun'))) {
      const jobId = bulkJobOf((await storage.readRange(key, 0, MARKER_BYTES)).toString());
      if (jobId !== undefined) await endBulkJob(connection, jobId);
    }
  }
}
