import { element, document as xmlDocument } from '../../protocols/xml.ts';
import { type FoundObject, type ObjectOperations, quoted } from '../object-operations.ts';
import {
  copySource,
  header,
  objectSettings,
  preconditions,
  type S3Reply,
  type S3Request,
  textBody,
  uploadPayload,
} from './http-request.ts';
import { checksumMembers, KEPT_HEADERS } from './object-headers.ts';
import { elementOf, elementsOf, parseBody, textOf } from './xml-body.ts';

export const S3_NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** The operations on one object as HTTP has them. */
export class HttpObjects {
  readonly #operations: ObjectOperations;

  constructor(operations: ObjectOperations) {
    this.#operations = operations;
  }

  async putObject(request: S3Request): Promise<S3Reply> {
    const { headers, origin } = request;
    const settings = objectSettings(headers);
    const conditions = preconditions(headers);
    const payload = uploadPayload(request);
    const output = await this.#operations.putObject(addressIn(request), settings, payload, conditions, origin);
    return {
      headers: { ...outputHeaders(output), 'x-amz-server-side-encryption': settings.ServerSideEncryption ?? 'AES256' },
    };
  }

  getObject(request: S3Request): S3Reply {
    const found = this.#find(request);
    return { ...this.#described(request, found), body: this.#operations.read(found) };
  }

  headObject(request: S3Request): S3Reply {
    return this.#described(request, this.#find(request));
  }

  #find(request: S3Request): FoundObject {
    const range = header(request.headers, 'range');
    return this.#operations.find(addressIn(request), preconditions(request.headers), range);
  }

  #described(request: S3Request, { object, range }: FoundObject): S3Reply {
    const { content } = object;
    const overridden = Object.values(KEPT_HEADERS).map((name) => [
      name,
      request.query.get(`response-${name}`) ?? content.headers[name],
    ]);
    const wantsChecksum =
      header(request.headers, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED' && range === undefined;
    const tags = Object.keys(content.tags).length;
    const length = range === undefined ? object.size : range.end - range.start + 1;
    return {
      status: range === undefined ? 200 : 206,
      headers: {
        ...Object.fromEntries(overridden),
        ...metadataHeaders(content.metadata),
        ...(wantsChecksum && outputHeaders(checksumMembers(content.checksum))),
        'accept-ranges': 'bytes',
        etag: quoted(object.etag),
        'last-modified': new Date(object.modifiedAt).toUTCString(),
        'content-length': length,
        'content-range': range === undefined ? undefined : `bytes ${range.start}-${range.end}/${object.size}`,
        'x-amz-tagging-count': tags === 0 ? undefined : tags,
      },
    };
  }

  async deleteObject(request: S3Request): Promise<S3Reply> {
    await this.#operations.deleteObject(addressIn(request), request.origin);
    return { status: 204 };
  }

  async copyObject(request: S3Request): Promise<S3Reply> {
    const { headers, origin } = request;
    const source = { ...copySource(headers), ...preconditions(headers, 'x-amz-copy-source-') };
    const settings = objectSettings(headers);
    const replacement = {
      ...(header(headers, 'x-amz-metadata-directive') === 'REPLACE' && { settings }),
      ...(header(headers, 'x-amz-tagging-directive') === 'REPLACE' && { tagging: settings.Tagging ?? '' }),
    };
    const address = addressIn(request);
    const copy = await this.#operations.copyObject(address, source, replacement, preconditions(headers), origin);
    return {
      headers: { 'content-type': 'application/xml', 'x-amz-server-side-encryption': 'AES256' },
      body: xmlDocument(
        element(
          'CopyObjectResult',
          [
            element('LastModified', new Date(copy.modifiedAt).toISOString()),
            element('ETag', quoted(copy.etag)),
            ...Object.entries(checksumMembers(copy.content.checksum)).map(([name, value]) => element(name, value)),
          ],
          S3_NAMESPACE,
        ),
      ),
    };
  }

  getObjectTagging(request: S3Request): S3Reply {
    const { object } = this.#operations.find(addressIn(request));
    const tags = Object.entries(object.content.tags).map(([key, value]) =>
      element('Tag', [element('Key', key), element('Value', value)]),
    );
    const body = xmlDocument(element('Tagging', element('TagSet', tags) ?? '', S3_NAMESPACE));
    return { headers: { 'content-type': 'application/xml' }, body };
  }

  async putObjectTagging(request: S3Request): Promise<S3Reply> {
    const tagging = parseBody(await textBody(request), 'Tagging');
    const tags = elementsOf(elementOf(tagging, 'TagSet') ?? {}, 'Tag').map((tag) => [
      textOf(tag, 'Key') ?? '',
      textOf(tag, 'Value') ?? '',
    ]);
    this.#operations.setTags(addressIn(request), Object.fromEntries(tags));
    return {};
  }

  deleteObjectTagging(request: S3Request): S3Reply {
    this.#operations.setTags(addressIn(request), {});
    return { status: 204 };
  }
}

export function addressIn(request: S3Request): { readonly Bucket: string; readonly Key: string } {
  return { Bucket: request.bucket, Key: request.key };
}

function metadataHeaders(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]));
}

/** ETag and checksums of an output, as headers. */
export function outputHeaders(output: Readonly<Record<string, unknown>>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(output)) {
    if (name === 'ETag') headers.etag = String(value);
    else if (name.startsWith('Checksum'))
      headers[`x-amz-checksum-${name.slice('Checksum'.length).toLowerCase()}`] = String(value);
  }
  return headers;
}
