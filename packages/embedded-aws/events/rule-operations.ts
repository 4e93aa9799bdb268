import { ACCOUNT, AwsError, type EmbeddedAws, type Operations } from '../service.ts';
import { compileEventPattern } from './event-pattern.ts';
import type { Rule, Target } from './rule.ts';
import type { BookedRule, RuleBook } from './rule-book.ts';
import { scheduleOf } from './schedule-expression.ts';
import { targetKind } from './target-call.ts';
import { targetInputFault } from './target-input.ts';

export interface PutRuleInput {
  readonly Name?: string;
  readonly EventPattern?: string;
  readonly ScheduleExpression?: string;
  readonly State?: string;
  readonly Description?: string;
  readonly RoleArn?: string;
  readonly EventBusName?: string;
}

interface OfRule {
  readonly EventBusName?: string;
  readonly Name?: string;
  readonly Rule?: string;
}

interface Page {
  readonly Limit?: number;
  readonly NextToken?: string;
}

const MAX_TARGETS = 5;

/** The operations on rules, targets and buses. `changed` gets the name of each rule that may fire differently now. */
export class RuleOperations {
  readonly operations: Operations;
  readonly #aws: EmbeddedAws;
  readonly #book: RuleBook;
  readonly #changed: (name: string) => void;

  constructor(aws: EmbeddedAws, book: RuleBook, listener: { readonly changed: (name: string) => void }) {
    this.#aws = aws;
    this.#book = book;
    this.#changed = listener.changed;
    this.operations = {
      PutRule: (input: PutRuleInput) => this.#putRule(input),
      DescribeRule: (input: OfRule) => ({ ...this.#rule(input).rule, EventBusName: 'default', CreatedBy: ACCOUNT }),
      ListRules: (input: Page & OfRule & { NamePrefix?: string }) => this.#listRules(input),
      DeleteRule: (input: OfRule) => this.#deleteRule(input),
      EnableRule: (input: OfRule) => this.#setState(input, 'ENABLED'),
      DisableRule: (input: OfRule) => this.#setState(input, 'DISABLED'),
      PutTargets: (input: OfRule & { Targets?: readonly Target[] }) => this.#putTargets(input),
      RemoveTargets: (input: OfRule & { Ids?: readonly string[] }) => this.#removeTargets(input),
      ListTargetsByRule: (input: Page & OfRule) => this.#listTargets(input),
      DescribeEventBus: (input: { Name?: string }) => this.#eventBus(input.Name),
      ListEventBuses: () => ({ EventBuses: [this.#eventBus(undefined)] }),
    };
  }

  #putRule(input: PutRuleInput): object {
    const { Name = '', EventPattern, ScheduleExpression, State = 'ENABLED', Description, RoleArn } = input;
    this.#checkBus(input.EventBusName);
    if (!/^[.\-_A-Za-z0-9]{1,64}$/.test(Name))
      throw invalid(`'${Name}' is not a rule name: 1 to 64 of A-Z a-z 0-9 . - _`);
    if (EventPattern === undefined && ScheduleExpression === undefined) {
      throw invalid('Parameter(s) EventPattern or ScheduleExpression must be specified.');
    }
    if (State !== 'ENABLED' && State !== 'DISABLED')
      throw invalid(`State ${State} is not supported: ENABLED or DISABLED.`);
    if (ScheduleExpression !== undefined) scheduleOf(ScheduleExpression, 1);
    if (EventPattern !== undefined) compileEventPattern(EventPattern);
    const Arn = `arn:aws:events:${this.#aws.region}:${ACCOUNT}:rule/${Name}`;
    const rule: Rule = {
      Name,
      Arn,
      State,
      ...(EventPattern !== undefined && { EventPattern }),
      ...(ScheduleExpression !== undefined && { ScheduleExpression }),
      ...(Description !== undefined && { Description }),
      ...(RoleArn !== undefined && { RoleArn }),
    };
    this.#book.put(rule, this.#aws.now());
    this.#changed(Name);
    return { RuleArn: Arn };
  }

  #listRules(input: Page & OfRule & { NamePrefix?: string }): object {
    this.#checkBus(input.EventBusName);
    const rules = this.#book.all().filter(({ rule }) => rule.Name.startsWith(input.NamePrefix ?? ''));
    const { items, ...more } = page(rules, input);
    return { Rules: items.map(({ rule }) => ({ ...rule, EventBusName: 'default' })), ...more };
  }

  #deleteRule(input: OfRule): object {
    this.#checkBus(input.EventBusName);
    const name = input.Name ?? '';
    if (this.#book.get(name) === undefined) return {};
    if (this.#book.targets(name).length > 0) throw invalid("Rule can't be deleted since it has targets.");
    this.#book.remove(name);
    this.#changed(name);
    return {};
  }

  #setState(input: OfRule, State: Rule['State']): object {
    const { rule } = this.#rule(input);
    this.#book.put({ ...rule, State }, this.#aws.now());
    this.#changed(rule.Name);
    return {};
  }

  #putTargets(input: OfRule & { Targets?: readonly Target[] }): object {
    const { rule } = this.#rule(input);
    const targets = input.Targets ?? [];
    if (targets.length === 0) throw invalid('Parameter Targets must hold at least one target.');
    for (const target of targets) checkTarget(target);
    const ids = new Set([...this.#book.targets(rule.Name), ...targets].map((target) => target.Id));
    if (ids.size > MAX_TARGETS) {
      throw new AwsError('LimitExceededException', 'The requested resource exceeds the maximum number allowed.');
    }
    for (const target of targets) this.#book.putTarget(rule.Name, target);
    return { FailedEntryCount: 0, FailedEntries: [] };
  }

  #removeTargets(input: OfRule & { Ids?: readonly string[] }): object {
    const { rule } = this.#rule(input);
    const missing = (input.Ids ?? []).filter((id) => !this.#book.removeTarget(rule.Name, id));
    const FailedEntries = missing.map((TargetId) => ({
      TargetId,
      ErrorCode: 'ResourceNotFoundException',
      ErrorMessage: `Target ${TargetId} does not exist on rule ${rule.Name}.`,
    }));
    return { FailedEntryCount: FailedEntries.length, FailedEntries };
  }

  #listTargets(input: Page & OfRule): object {
    const { items, ...more } = page(this.#book.targets(this.#rule(input).rule.Name), input);
    return { Targets: items, ...more };
  }

  #eventBus(name: string | undefined): object {
    this.#checkBus(name);
    return { Name: 'default', Arn: `arn:aws:events:${this.#aws.region}:${ACCOUNT}:event-bus/default` };
  }

  /** The rule that an input names, under `Name` or `Rule`. */
  #rule(input: OfRule): BookedRule {
    this.#checkBus(input.EventBusName);
    const name = input.Name ?? input.Rule ?? '';
    const booked = this.#book.get(name);
    if (booked !== undefined) return booked;
    throw new AwsError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus default.`);
  }

  #checkBus(bus: string | undefined): void {
    const fault = busFault(bus, this.#aws.region);
    if (fault !== undefined) throw fault;
  }
}

/** What is wrong with the name or ARN of a bus: there is only the default one. */
export function busFault(bus: string | undefined, region: string): AwsError | undefined {
  const name = bus?.startsWith(`arn:aws:events:${region}:${ACCOUNT}:event-bus/`) ? bus.split('/').at(-1) : bus;
  if (name === undefined || name === 'default') return undefined;
  return new AwsError('ResourceNotFoundException', `Event bus ${bus} does not exist.`);
}

function checkTarget(target: Target): void {
  const { Id, Arn = '', RetryPolicy, DeadLetterConfig } = target;
  if (!/^[.\-_A-Za-z0-9]{1,64}$/.test(Id ?? ''))
    throw invalid(`'${Id}' is not a target id: 1 to 64 of A-Z a-z 0-9 . - _`);
  const kind = targetKind(Arn);
  if (kind === undefined) {
    throw invalid(
      `Provided Arn is not in correct format or not supported: ${Arn}. Rules deliver to state machines, SQS queues, ` +
        'Lambda functions and SNS topics.',
    );
  }
  if (kind === 'stateMachine' && target.RoleArn === undefined) throw invalid(`RoleArn is required for target ${Arn}.`);
  const fault = targetInputFault(target);
  if (fault !== undefined) throw invalid(fault);
  checkRange('MaximumRetryAttempts', RetryPolicy?.MaximumRetryAttempts, 0, 185);
  checkRange('MaximumEventAgeInSeconds', RetryPolicy?.MaximumEventAgeInSeconds, 60, 86_400);
  if (DeadLetterConfig?.Arn !== undefined && targetKind(DeadLetterConfig.Arn) !== 'queue') {
    throw invalid(`DeadLetterConfig of target ${Id} must name an SQS queue, not ${DeadLetterConfig.Arn}.`);
  }
}

function checkRange(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return;
  throw invalid(`${name} is ${value}; it must be a whole number from ${least} to ${most}.`);
}

/** One page of a list; tokens are positions. */
function page<Item>(
  all: readonly Item[],
  { Limit = 100, NextToken }: Page,
): { items: readonly Item[]; NextToken?: string } {
  const start = Number(NextToken ?? 0);
  if (!Number.isInteger(start) || start < 0) throw invalid(`NextToken ${NextToken} was not given out here.`);
  const end = start + Limit;
  const items = all.slice(start, end);
  return end < all.length ? { items, NextToken: String(end) } : { items };
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationException', message);
}
