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
    // Five capitals, as in a SQLSTATE, but no server has said it.
    ['the network broke', Object.assign(new Error('write'), { code: 'EPIPE' }), 'connect again'],
    ['the network says a number', Object.assign(new Error('read'), { code: -104 }), 'connect again'],
    ['a message without a SQLSTATE', Object.assign(answered('55006'), { code: 'x55006' }), 'connect again'],
    ['a message with something like it', Object.assign(answered('55006'), { code: '550067' }), 'connect again'],
    ['the server fell silent', new RetryableError('SILENT', 'silent'), 'connect again'],
  ])('%s: %s', (_, error, next) => {
    expect(afterFailure(error)).toEqual({ next });
  });

  test.each([
    ['the slot is missing', '42704'],
    ['the slot was invalidated', '55000'],
    ['the password is wrong', '28P01'],
    ['the role may not replicate', '42501'],
  ])('%s: a person has to do something, and is told where to look', (_, code) => {
    const cause = answered(code);
    const { next, error } = stopped(cause);
    expect(next).toBe('stop');
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ code, cause });
    expect(error.message).toBe(
      `PostgreSQL does not start the stream (SQLSTATE ${code}): as the server says. \`sfsync check\` says more.`,
    );
  });

  test.each(['58P01', '22023'])('the output plugin is not there, or too old (%s): so is what can be chosen', (code) => {
    const cause = answered(code);
    const { error } = stopped(cause);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ code, cause });
    expect(error.message).toMatch(
      new RegExp(
        `^PostgreSQL does not start the output plugin \\(SQLSTATE ${code}\\): as the server says\\. settings\\.plugin `,
      ),
    );
    expect(error.message).toContain("'wal2json' (2.4 or newer) has to be installed there");
  });

  test('one of our own classes says by itself what is to be done', () => {
    const error = new ConfigurationError('NOT_PREPARED', 'prepare');
    expect(afterFailure(error)).toEqual({ next: 'stop', error });
    const bug = new InvariantError('PGOUTPUT', 'unreadable');
    expect(afterFailure(bug)).toEqual({ next: 'stop', error: bug });
  });

  test.each([
    ['a SQLSTATE that is of a record', answered('23505'), '23505', 'as the server says'],
    ['an unknown SQLSTATE', answered('XX000'), 'XX000', 'as the server says'],
    ['a bug', new TypeError('undefined is not a function'), 'UNKNOWN', 'undefined is not a function'],
    ['another bug', new RangeError('out of range'), 'UNKNOWN', 'out of range'],
    ['a name that is not there', new ReferenceError('x is not defined'), 'UNKNOWN', 'x is not defined'],
    ['no error at all', 'what', 'UNKNOWN', 'what'],
  ])('%s: the process ends as a bug', (_, cause, code, text) => {
    const { next, error } = stopped(cause);
    expect(next).toBe('stop');
    expect(error).toBeInstanceOf(InvariantError);
    expect(error).toMatchObject({ code, cause, message: `The stream broke for an unknown reason: ${text}` });
  });
});

function stopped(cause: unknown) {
  const failure = afterFailure(cause);
  return failure.next === 'stop' ? failure : expect.unreachable(failure.next);
}
