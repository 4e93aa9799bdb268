/** How lag went over time, as SVG: one row for each way, the median and the 95th percentile of every few seconds. */
import { writeFileSync } from 'node:fs';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import { percentile } from './figures.ts';

export interface PlottedLag {
  readonly way: string;
  /** Of the 95th percentile, in seconds. */
  readonly barSeconds: number | undefined;
  /** Seconds from the start of the run to the edit, and how long it took. */
  readonly lags: readonly { readonly at: number; readonly seconds: number }[];
}

const BIN_SECONDS = 5;

export async function plotLag(file: string, title: string, ways: readonly PlottedLag[]): Promise<void> {
  const values = ways.flatMap(({ way, lags }) => {
    const bins = Map.groupBy(lags, ({ at }) => Math.floor(at / BIN_SECONDS) * BIN_SECONDS);
    return [...bins].flatMap(([at, bin]) =>
      [50, 95].map((p) => ({
        way,
        at,
        of: `p${p}`,
        seconds: percentile(
          bin.map(({ seconds }) => seconds),
          p,
        ),
      })),
    );
  });
  const bars = ways.flatMap(({ way, barSeconds }) => (barSeconds === undefined ? [] : [{ way, seconds: barSeconds }]));
  const order = ways.map(({ way }) => way);
  const row = (name: string) => ({
    title: name,
    width: 760,
    height: 90,
    layer: [
      {
        data: { values: values.filter(({ way }) => way === name) },
        mark: { type: 'line', interpolate: 'step-after' },
        encoding: {
          x: { field: 'at', type: 'quantitative', title: 'seconds into the run' },
          y: { field: 'seconds', type: 'quantitative', title: 'lag, s' },
          color: {
            field: 'of',
            type: 'nominal',
            title: null,
            scale: { domain: ['p50', 'p95'], range: ['#1f77b4', '#d62728'] },
          },
        },
      },
      {
        data: { values: bars.filter(({ way }) => way === name) },
        mark: { type: 'rule', strokeDash: [6, 4], color: '#555' },
        encoding: { y: { field: 'seconds', type: 'quantitative' } },
      },
    ],
  });
  const { spec } = compile({ title, background: 'white', vconcat: order.map(row) });
  const view = new View(parse(spec), { renderer: 'none' });
  writeFileSync(file, await view.toSVG());
  view.finalize();
}
