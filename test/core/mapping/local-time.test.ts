import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatInstant } from '../../../core/mapping/instant.ts';
import { asInstant, instantOfLocal, isZone, localTime } from '../../../core/mapping/local-time.ts';

test.for([
  ['Europe/Berlin', true],
  ['UTC', true],
  ['America/Argentina/Buenos_Aires', true],
  ['Europe/Atlantis', false],
  ['', false],
  ['Berlin', false],
] as const)('%s is a zone: %s', ([name, is]) => {
  expect(isZone(name)).toBe(is);
});

test.for([
  ['UTC', '2024-07-01T12:00:00Z', '2024-07-01T12:00:00Z'],
  ['Europe/Berlin', '2024-07-01T12:00:00Z', '2024-07-01T14:00:00+02:00'],
  ['Europe/Berlin', '2024-01-01T12:00:00Z', '2024-01-01T13:00:00+01:00'],
  ['America/New_York', '2024-01-01T02:00:00Z', '2023-12-31T21:00:00-05:00'],
  ['Asia/Kolkata', '2024-01-01T00:00:00Z', '2024-01-01T05:30:00+05:30'],
  ['Europe/Berlin', '1850-01-01T12:00:00Z', '1850-01-01T12:53:28+00:53:28'],
  ['Europe/Berlin', '9999-12-31T23:30:00Z', '9999-12-31T23:30:00Z'],
] as const)('in %s it is at %s the local time %s', ([zone, instant, local]) => {
  expect(localTime(Date.parse(instant), zone)).toBe(local);
});

test.for([
  ['once', '2024-07-01 14:00:00.999999', '2024-07-01T12:00:00Z'],
  ['twice: the first counts', '2024-10-27 02:30:00', '2024-10-27T00:30:00Z'],
  ['not at all: as if the clocks had not been set yet', '2024-03-31 02:30:00', '2024-03-31T01:30:00Z'],
  ['with an offset of its own', '2024-07-01 14:00:00+00', '2024-07-01 14:00:00+00'],
  ['no day', '2024-02-30 14:00:00', '2024-02-30 14:00:00'],
  ['never', 'infinity', 'infinity'],
] as const)('a local time of Berlin that there is %s', ([, text, instant]) => {
  expect(asInstant(text, 'Europe/Berlin')).toBe(instant);
});

test('a day that a zone has skipped is read, too', () => {
  expect(asInstant('2011-12-30 12:00:00', 'Pacific/Apia')).toBe('2011-12-30T22:00:00Z');
});

test('the local time of an instant means that instant, or the first of two that are at most a day apart', () => {
  const zones = fc.constantFrom(
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Pacific/Apia',
    'Africa/Casablanca',
  );
  const instants = fc
    .date({ min: new Date('1700-01-01T00:00:00Z'), max: new Date('4000-12-31T00:00:00Z'), noInvalidDate: true })
    .map((at) => Math.floor(at.getTime() / 1000) * 1000);
  fc.assert(
    fc.property(zones, instants, (zone, instant) => {
      const local = localTime(instant, zone).slice(0, 19);
      const meant = instantOfLocal(local, zone) ?? Number.NaN;
      expect(localTime(meant, zone).slice(0, 19)).toBe(local);
      expect(instant - meant).toBeGreaterThanOrEqual(0);
      expect(instant - meant).toBeLessThanOrEqual(86_400_000);
      expect(asInstant(local, zone)).toBe(formatInstant(meant));
    }),
    { numRuns: 1000 },
  );
});
