import { expect, test } from 'vitest';
import { changeMessage } from '../../../core/contracts/change-message.ts';

const message = {
  object: 'Contact',
  keys: [
    ['7', 'insert'],
    ['8', 'delete'],
  ],
  position: '16/B374D848',
  committedAt: '2026-01-01T00:00:00.000Z',
  transactions: ['742'],
};

test('a message says which rows changed', () => {
  expect(changeMessage.parse(JSON.parse(JSON.stringify(message)))).toEqual(message);
});

test('or that all rows of a table went at once', () => {
  const truncate = { ...message, keys: [], truncated: true };
  expect(changeMessage.parse(JSON.parse(JSON.stringify(truncate)))).toEqual(truncate);
});

test.for([
  ['a truncated table with keys', { ...message, truncated: true }],
  ['a table that is not truncated, without keys', { ...message, keys: [], truncated: false }],
  ['a value besides the keys', { ...message, values: [{ email: 'a@b.c' }] }],
  ['a key with a value', { ...message, keys: [['7', 'update', { email: 'a@b.c' }]] }],
  ['no keys', { ...message, keys: [] }],
  ['an unknown operation', { ...message, keys: [['7', 'truncate']] }],
  ['a key that is no text', { ...message, keys: [[7, 'update']] }],
  ['a position that is none', { ...message, position: '374D848' }],
  ['a moment that is none', { ...message, committedAt: 'yesterday' }],
  ['a transaction that is none', { ...message, transactions: ['0x2e6'] }],
] as const)('%s is refused', ([, body]) => {
  expect(changeMessage.safeParse(body).success).toBe(false);
});
