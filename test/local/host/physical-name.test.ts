import { expect, test } from 'vitest';
import { physicalName } from '../../../local/host/physical-name.ts';

test('is the same at every start, and different names stay different when cut', () => {
  const long = 'ChangeQueueOpportunityDeadLetterQueue1A2B3C4D';
  expect(physicalName('sfsync', 'Topic', 64)).toBe('sfsync-Topic');
  const cut = physicalName('sfsync', long, 30);
  expect(cut).toHaveLength(30);
  expect(physicalName('sfsync', long, 30)).toBe(cut);
  expect(physicalName('sfsync', `${long}X`, 30)).not.toBe(cut);
});
