import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type InboundFlow, parseFlow } from '../../appflow/flows/flow-definition.ts';
import { pullWindow } from '../../appflow/runs/pull-window.ts';
import { inboundFlow } from './flow-templates.ts';

test('windows of successive runs meet: every second is pulled once, whatever the times of the runs', () => {
  const { trigger } = parseFlow(inboundFlow({ trigger: { ScheduleOffset: 90 } })) as InboundFlow;
  const gapsMs = fc.array(fc.integer({ min: 0, max: 200_000 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(gapsMs, fc.constantFrom(1, 12, 30), (gaps, timeScale) => {
      let now = Date.parse('2026-01-31T12:00:00.123Z');
      let watermark: number | undefined;
      for (const gap of gaps) {
        now += gap;
        const window = pullWindow(trigger, watermark, now, timeScale);
        if (window === undefined) throw new Error('there is no window');
        expect(window.toSeconds * 1000).toBeLessThanOrEqual(now - 90_000 / timeScale);
        if (watermark !== undefined) expect(window.fromSeconds).toBe(watermark);
        expect(window.toSeconds).toBeGreaterThanOrEqual(watermark ?? 0);
        watermark = window.toSeconds;
      }
    }),
  );
});
