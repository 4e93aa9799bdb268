import { expect, test } from 'vitest';
import {
  classifySalesforce,
  classifySqlState,
  isNetworkError,
  isOfLocks,
  isOfRecord,
  isOfValue,
} from '../../core/error-classification.ts';
import { ConfigurationError, InvariantError, RejectedRecordError, RetryableError } from '../../core/errors.ts';

const SQLSTATES = {
  retry: ['40001', '40P01', '55P03', '55006', '57014', '57P01', '57P02', '57P03', '25006', '08006', '08000', '53300'],
  reject: ['22001', '22003', '22P02', '23502', '23503', '23505', '23514', 'P0001'],
  configuration: ['28P01', '3D000', '42P01', '42703', '42501', '53400'],
  invariant: ['XX000', '0A000', '21000', '25P02', '', 'constructor', '__proto__'],
};
test.for(Object.entries(SQLSTATES))('SQLSTATE: %s', ([step, codes]) => {
  expect(codes.map(classifySqlState)).toEqual(codes.map(() => step));
});

test('whatever a row is refused with may be its own fault, unless the server says that it is another', () => {
  const others = ['08006', '25006', '53100', '57P01', '58030', '40001', '40P01', '55P03', '28000', '3D000', ''];
  const own = [
    '22001',
    '23505',
    '45000',
    'AB123',
    'P0001',
    'P0004',
    '54000',
    'XX000',
    '0A000',
    '21000',
    '42501',
    '44000',
    '57014',
  ];
  expect([others.filter(isOfRecord), own.filter((code) => !isOfRecord(code))]).toEqual([[], []]);
  expect(['40001', '40P01', '55P03', '57014', '23505'].filter(isOfLocks)).toEqual(['40001', '40P01', '55P03']);
});

const SALESFORCE = {
  retry: [
    'UNABLE_TO_LOCK_ROW',
    'REQUEST_LIMIT_EXCEEDED',
    'SERVER_UNAVAILABLE',
    'QUERY_TIMEOUT',
    'INVALID_SESSION_ID',
    'ERROR_HTTP_503',
    'ERROR_HTTP_502',
    'ERROR_HTTP_500',
    'ERROR_HTTP_429',
    'ECONNRESET',
    'ECONNREFUSED',
  ],
  reject: [
    'REQUIRED_FIELD_MISSING',
    'STRING_TOO_LONG',
    'FIELD_CUSTOM_VALIDATION_EXCEPTION',
    'INVALID_CROSS_REFERENCE_KEY',
    'JSON_PARSER_ERROR',
    'DELETE_FAILED',
    'DELETE_OPERATION_TOO_LARGE',
    'DUPLICATE_VALUE',
    'MALFORMED_ID',
  ],
  deleted: ['ENTITY_IS_DELETED'],
  configuration: [
    'INVALID_FIELD',
    'INVALID_TYPE',
    'INVALID_HEADER_TYPE',
    'INVALIDJOB',
    'API_CURRENTLY_DISABLED',
    'invalid_client',
    'invalid_grant',
    'ERROR_HTTP_404',
    'ERROR_HTTP_401',
  ],
  invariant: ['SOMETHING_NEW', 'ERROR_HTTP_302', '', 'constructor', 'toString'],
};
test.for(Object.entries(SALESFORCE))('Salesforce: %s', ([step, codes]) => {
  expect(codes.map(classifySalesforce)).toEqual(codes.map(() => step));
});

test('a value is blamed by itself only where no other value of the record may be what it does not go with', () => {
  const byItself = [
    'STRING_TOO_LONG',
    'INVALID_EMAIL_ADDRESS',
    'REQUIRED_FIELD_MISSING',
    'INVALID_CROSS_REFERENCE_KEY',
  ];
  const amongOthers = ['FIELD_INTEGRITY_EXCEPTION', 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'DUPLICATE_VALUE'];
  expect(byItself.every(isOfValue)).toBe(true);
  expect(amongOthers.some(isOfValue)).toBe(false);
});

test('a lost connection is no answer', () => {
  expect(['ECONNRESET', 'EAI_AGAIN', 'UND_ERR_SOCKET', 'ERR_STREAM_PREMATURE_CLOSE'].every(isNetworkError)).toBe(true);
  expect(isNetworkError('EACCES')).toBe(false);
});

test('the classes keep their names, code and cause: state machines match on the name', () => {
  const cause = new Error('why');
  const errors = [RetryableError, RejectedRecordError, ConfigurationError, InvariantError].map((Class) => {
    return Class === RejectedRecordError
      ? new RejectedRecordError('CODE', 'text', 'Field', { cause })
      : new Class('CODE', 'text', { cause } as never);
  });
  expect(errors.map(({ name }) => name)).toEqual([
    'RetryableError',
    'RejectedRecordError',
    'ConfigurationError',
    'InvariantError',
  ]);
  for (const error of errors) expect(error).toMatchObject({ code: 'CODE', message: 'text', cause });
});
