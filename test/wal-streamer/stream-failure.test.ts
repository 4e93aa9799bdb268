import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { ConfigurationError, InvariantError, RetryableError } from '../../core/errors.ts';
import { afterFailure } from '../../wal-streamer/stream-failure.ts';

function answered(code: string): pg.DatabaseError {
  const error = new pg.DatabaseError('as the server says', 0, 'error');
  error.code = code;
  error.severity = 'ERROR';
  return error;
}

describe('after the stream broke', () => {
  test.each([
    ['another streamer has the slot', answered('55006'), 'wait for the slot'],
    ['the backend was terminated', answered('57P01'), 'connect again'],
    ['the server is starting up', answered('57P03'), 'connect again'],
    ['there are too many connections', answered('53300'), 'connect again'],
    ['the connection broke', new Error('Connection terminated unexpectedly'), 'connect again'],
    ['no server listens', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'connect again'],
    ['the server fell silent', new RetryableError('SILENT', 'silent'), 'connect again'],
  ])('%s: %s', (_, error, next) => {
    expect(afterFailure(error)).toEqual({ next });
  });

  test.each([
    ['the slot is missing', answered('42704')],
    ['the slot was invalidated', answered('55000')],
    ['the password is wrong', answered('28P01')],
    ['the role may not replicate', answered('42501')],
    ['the database is not prepared', new ConfigurationError('NOT_PREPARED', 'prepare')],
  ])('%s: a person has to do something', (_, error) => {
    expect(afterFailure(error)).toEqual({ next: 'stop', error: expect.any(ConfigurationError) });
  });

  test.each([
    ['an unknown SQLSTATE', answered('XX000')],
    ['a bug', new TypeError('undefined is not a function')],
    ['our own invariant', new InvariantError('PGOUTPUT', 'unreadable')],
    ['no error at all', 'what'],
  ])('%s: the process ends as a bug', (_, error) => {
    expect(afterFailure(error)).toEqual({ next: 'stop', error: expect.any(InvariantError) });
  });
});
