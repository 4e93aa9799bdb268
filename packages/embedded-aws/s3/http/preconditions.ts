import type { ByteRange } from '../blobs.ts';
import { s3Error } from '../errors.ts';
import type { StoredObject } from '../objects.ts';

/** Conditions as a request states them. ETags may be quoted; times are seconds since 1970, as HTTP dates have no more. */
export interface Preconditions {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly ifModifiedSince?: number | undefined;
  readonly ifUnmodifiedSince?: number | undefined;
}

function matches(condition: string, etag: string): boolean {
  return condition.split(',').some((part) => {
    const wanted = part.trim().replace(/^W\//, '').replaceAll('"', '');
    return wanted === '*' || wanted === etag;
  });
}

function failed(condition: string): Error {
  const message = 'At least one of the pre-conditions you specified did not hold';
  return s3Error('PreconditionFailed', message, { Condition: condition });
}

/** @throws AwsError `PreconditionFailed`, or `NotModified` where the reader's copy is still good */
export function assertReadable(object: StoredObject, conditions: Preconditions): void {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  const modified = Math.floor(object.modifiedAt / 1_000);
  // A matching ETag outranks the date (RFC 9110, 13.2.2).
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, object.etag)) throw failed('If-Match');
  } else if (ifUnmodifiedSince !== undefined && modified > ifUnmodifiedSince) throw failed('If-Unmodified-Since');
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, object.etag)) throw s3Error('NotModified', 'Not Modified');
  } else if (ifModifiedSince !== undefined && modified <= ifModifiedSince) throw s3Error('NotModified', 'Not Modified');
}

/**
 * Conditional writes: `If-None-Match: *` makes only what is not there, `If-Match` replaces only what is known.
 * @throws AwsError `PreconditionFailed`, `NoSuchKey`, `NotImplemented`
 */
export function assertWritable(existing: StoredObject | undefined, key: string, conditions: Preconditions): void {
  const { ifMatch, ifNoneMatch } = conditions;
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== '*') {
      throw s3Error('NotImplemented', 'A header you provided implies functionality that is not implemented', {
        Header: 'If-None-Match',
      });
    }
    if (existing !== undefined) throw failed('If-None-Match');
  }
  if (ifMatch !== undefined) {
    if (existing === undefined) throw s3Error('NoSuchKey', 'The specified key does not exist.', { Key: key });
    if (!matches(ifMatch, existing.etag)) throw failed('If-Match');
  }
}

/**
 * The bytes that a Range header asks for; undefined for the whole object, which is also what S3 sends for several ranges
 * or a header it does not understand.
 * @throws AwsError `InvalidRange`
 */
export function byteRange(header: string | undefined, size: number): ByteRange | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== '' && to !== '' && Number(to) < start) return undefined;
  if (start > end) {
    const details = { RangeRequested: header, ActualObjectSize: size };
    throw s3Error('InvalidRange', 'The requested range is not satisfiable', details);
  }
  return { start, end };
}
