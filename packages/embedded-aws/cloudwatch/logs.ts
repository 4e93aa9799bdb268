import { z } from 'zod';
import type { EmbeddedAws, Operations } from '../service.ts';
import { type MetricFilter, measured, parseFilter } from './metric-filter.ts';

const ofFilter = z.object({ logGroupName: z.string(), filterName: z.string() });

/**
 * Of CloudWatch Logs, the metric filters. The lines themselves are in files of this machine. Filters are not kept: the host
 * makes those of its template at each start.
 */
export class Logs {
  readonly operations: Operations;
  readonly #aws: EmbeddedAws;
  /** By log group. */
  readonly #filters = new Map<string, MetricFilter[]>();

  constructor(aws: EmbeddedAws) {
    this.#aws = aws;
    this.operations = {
      PutMetricFilter: (input: object) => this.#put(parseFilter(input)),
      DeleteMetricFilter: (input: object) => this.#remove(ofFilter.parse(input)),
      DescribeMetricFilters: ({ logGroupName }: { readonly logGroupName?: string }) => ({
        metricFilters: [...this.#filters.values()]
          .flat()
          .filter((filter) => logGroupName === undefined || filter.logGroupName === logGroupName),
      }),
    };
  }

  /** Lines that were written to a log group. */
  write(logGroup: string, text: string): void {
    const filters = this.#filters.get(logGroup);
    if (filters === undefined) return;
    const at = this.#aws.now();
    for (const line of text.split('\n')) {
      for (const filter of filters) {
        const point = measured(filter, line);
        if (point !== undefined) this.#aws.measure({ ...point, at });
      }
    }
  }

  #put(filter: MetricFilter): object {
    this.#remove(filter);
    this.#filters.set(filter.logGroupName, [...(this.#filters.get(filter.logGroupName) ?? []), filter]);
    return {};
  }

  #remove({ logGroupName, filterName }: z.output<typeof ofFilter>): object {
    const left = (this.#filters.get(logGroupName) ?? []).filter((filter) => filter.filterName !== filterName);
    this.#filters.set(logGroupName, left);
    return {};
  }
}
