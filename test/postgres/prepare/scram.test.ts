import { expect, test } from 'vitest';
import { scramVerifier } from '../../../postgres/prepare/scram.ts';

test('the verifier is the one of RFC 7677: password pencil, 4096 iterations', () => {
  // Salt and keys of the example exchange in RFC 7677, section 3, in the form that PostgreSQL keeps.
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
  expect(scramVerifier('pencil', salt)).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  );
});
