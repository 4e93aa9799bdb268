import type { EmbeddedAws } from '../../service.ts';
import type { Clock } from '../clock.ts';
import type { Cursor, History } from '../executions/history.ts';
import type { Json } from './json.ts';
import type { Position, Variables } from './position.ts';

/** What all states of a running execution share. */
export interface Run {
  readonly aws: EmbeddedAws;
  readonly clock: Clock;
  readonly history: History;
  readonly execution: {
    readonly arn: string;
    readonly name: string;
    readonly input: Json;
    readonly roleArn: string;
    readonly startedAt: number;
    readonly redriveCount: number;
    readonly redrivenAt: number | undefined;
  };
  readonly machine: { readonly arn: string; readonly name: string };
  /** Numbers in [0, 1), for the jitter of retries. */
  random(): number;
  /** Called with each state that the outermost list enters, before it does anything. */
  checkpoint(position: Position): void;
}

/** One line of execution: the outermost states, or one branch or iteration. */
export interface Frame {
  readonly run: Run;
  /** 0 for the outermost states. */
  readonly depth: number;
  /** The variables of the outer scopes, as they were when this line began. */
  readonly outerVariables: Variables;
  readonly mapItem: { readonly Index: number; readonly Value: Json } | undefined;
  readonly cursor: Cursor;
  readonly signal: AbortSignal;
}
