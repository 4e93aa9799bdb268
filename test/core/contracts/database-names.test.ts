import { expect, test } from 'vitest';
import { databaseNames } from '../../../core/contracts/database-names.ts';
import { DEFAULT_NAME } from '../../../core/contracts/deployment-name.ts';

test('the default name gives the names that there were before there were names', () => {
  expect(databaseNames(DEFAULT_NAME)).toEqual({
    schema: 'sfsync',
    publication: 'sfsync',
    slot: 'sfsync',
    originPrefix: 'sfsync_',
    originPattern: '^sfsync_[0-9]+$',
    echoMessagePrefix: 'sfsync',
    streamerRole: 'sfsync_streamer',
    applyRole: 'sfsync_apply',
  });
});

test('another name is in all of them', () => {
  expect(databaseNames('eu-billing')).toMatchObject({
    schema: 'sfsync_eu_billing',
    slot: 'sfsync_eu_billing',
    originPrefix: 'sfsync_eu_billing_',
    applyRole: 'sfsync_eu_billing_apply',
  });
});

test.each(['a', 'sfsync-eu', 'public'])(
  'the origins of %s are not those of the default, nor the other way round',
  (name) => {
    const [ours, theirs] = [databaseNames(DEFAULT_NAME), databaseNames(name)];
    expect(`${ours.originPrefix}3`).toMatch(new RegExp(ours.originPattern));
    expect(`${theirs.originPrefix}3`).not.toMatch(new RegExp(ours.originPattern));
    expect(`${ours.originPrefix}3`).not.toMatch(new RegExp(theirs.originPattern));
  },
);
