import { beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../step-functions/states/json.ts';
import { functionArn, machine, ROLE_ARN, Workshop } from './workshop.ts';

let shop: Workshop;
beforeEach(() => {
  shop = new Workshop();
});

const PASS = machine({ A: { Type: 'Pass', End: true } });
const WAIT = machine({ W: { Type: 'Wait', Seconds: 60, End: true } });
const MACHINE_ARN = 'arn:aws:states:eu-central-1:000000000000:stateMachine:m';

function request(definition: JsonObject, change: object = {}) {
  return { name: 'm', definition: JSON.stringify(definition), roleArn: ROLE_ARN, ...change };
}

describe('state machines', () => {
  test('are described as they were created', async () => {
    await shop.call('CreateStateMachine', request(PASS, { tags: [{ key: 'k', value: 'v' }] }));
    expect(await shop.call('DescribeStateMachine', { stateMachineArn: MACHINE_ARN })).toMatchObject({
      stateMachineArn: MACHINE_ARN,
      name: 'm',
      status: 'ACTIVE',
      type: 'STANDARD',
      definition: JSON.stringify(PASS),
      roleArn: ROLE_ARN,
      creationDate: shop.clock.now() / 1_000,
    });
    expect(await shop.call('ListTagsForResource', { resourceArn: MACHINE_ARN })).toEqual({
      tags: [{ key: 'k', value: 'v' }],
    });
    await shop.call('TagResource', { resourceArn: MACHINE_ARN, tags: [{ key: 'l', value: 'w' }] });
    await shop.call('UntagResource', { resourceArn: MACHINE_ARN, tagKeys: ['k'] });
    expect(await shop.call('ListTagsForResource', { resourceArn: MACHINE_ARN })).toEqual({
      tags: [{ key: 'l', value: 'w' }],
    });
  });

  test('the same creation twice is one, a different one is refused', async () => {
    const first = await shop.call('CreateStateMachine', request(PASS));
    shop.clock.advance(1_000);
    expect(await shop.call('CreateStateMachine', request(PASS))).toEqual(first);
    expect((await shop.refusal('CreateStateMachine', request(WAIT))).code).toBe('StateMachineAlreadyExists');
  });

  test.each<[object, string]>([
    [request(PASS, { name: 'with blank' }), 'InvalidName'],
    [request(PASS, { name: 'x'.repeat(81) }), 'InvalidName'],
    [request(PASS, { type: 'EXPRESS' }), 'StateMachineTypeNotSupported'],
    [request(PASS, { type: 'OTHER' }), 'ValidationException'],
    [request(PASS, { publish: true }), 'UnsupportedOperation'],
    [request(PASS, { roleArn: undefined }), 'ValidationException'],
    [request({ StartAt: 'A', States: {} }), 'InvalidDefinition'],
    [request({ StartAt: 'A', States: { A: { Type: 'Pass', End: true } } }), 'UnsupportedOperation'],
  ])('creation is refused: %j', async (input, code) => {
    expect((await shop.refusal('CreateStateMachine', input)).code).toBe(code);
  });

  test('an update does not touch executions that run', async () => {
    await shop.call('CreateStateMachine', request(WAIT));
    const executionArn = await shop.start(MACHINE_ARN);
    await shop.call('UpdateStateMachine', { stateMachineArn: MACHINE_ARN, definition: JSON.stringify(PASS) });
    expect(await shop.call('DescribeStateMachineForExecution', { executionArn })).toMatchObject({
      definition: JSON.stringify(WAIT),
    });
    expect((await shop.ended(await shop.start(MACHINE_ARN))).status).toBe('SUCCEEDED');
    expect((await shop.describe(executionArn)).status).toBe('RUNNING');
  });

  test('an update of nothing, or to something faulty, is refused', async () => {
    await shop.call('CreateStateMachine', request(PASS));
    expect((await shop.refusal('UpdateStateMachine', { stateMachineArn: MACHINE_ARN })).code).toBe(
      'MissingRequiredParameter',
    );
    const faulty = { stateMachineArn: MACHINE_ARN, definition: '{}' };
    expect((await shop.refusal('UpdateStateMachine', faulty)).code).toBe('InvalidDefinition');
  });

  test('deleting aborts what runs, and forgets it', async () => {
    await shop.call('CreateStateMachine', request(WAIT));
    const executionArn = await shop.start(MACHINE_ARN);
    await shop.call('DeleteStateMachine', { stateMachineArn: MACHINE_ARN });
    expect(shop.aws.statusChanges.at(-1)).toMatchObject({ detail: { executionArn, status: 'ABORTED' } });
    expect((await shop.refusal('DescribeExecution', { executionArn })).code).toBe('ExecutionDoesNotExist');
    expect((await shop.refusal('DescribeStateMachine', { stateMachineArn: MACHINE_ARN })).code).toBe(
      'StateMachineDoesNotExist',
    );
    await shop.call('DeleteStateMachine', { stateMachineArn: MACHINE_ARN });
    expect(shop.clock.sleepers).toBe(0);
  });

  test('are listed by name, in pages', async () => {
    for (const name of ['b', 'c', 'a']) await shop.create(PASS, name);
    const names = async (input: object) => {
      const page = await shop.call<{ stateMachines: { name: string }[]; nextToken?: string }>(
        'ListStateMachines',
        input,
      );
      return { names: page.stateMachines.map((machine) => machine.name), nextToken: page.nextToken };
    };
    const first = await names({ maxResults: 2 });
    expect(first.names).toEqual(['a', 'b']);
    expect(await names({ nextToken: first.nextToken })).toEqual({ names: ['c'], nextToken: undefined });
    expect((await shop.refusal('ListStateMachines', { nextToken: 'x' })).code).toBe('InvalidToken');
  });

  test('a definition can be validated without creating anything', async () => {
    const good = { definition: JSON.stringify(PASS) };
    expect(await shop.call('ValidateStateMachineDefinition', good)).toEqual({
      result: 'OK',
      diagnostics: [],
      truncated: false,
    });
    const bad = { definition: JSON.stringify(machine({ A: { Type: 'Pass', Next: 'B' } })) };
    expect(await shop.call('ValidateStateMachineDefinition', bad)).toMatchObject({
      result: 'FAIL',
      diagnostics: [{ severity: 'ERROR', code: 'MISSING_TRANSITION_TARGET', location: '/States/A' }],
    });
  });
});

describe('executions', () => {
  test('the same name and input while it runs is the same execution; anything else of that name is refused', async () => {
    const stateMachineArn = await shop.create(WAIT);
    const input = { stateMachineArn, name: 'e', input: '{"a":1}' };
    const first = await shop.call<{ executionArn: string }>('StartExecution', input);
    shop.clock.advance(1_000);
    expect(await shop.call('StartExecution', input)).toEqual(first);
    expect((await shop.refusal('StartExecution', { ...input, input: '{}' })).code).toBe('ExecutionAlreadyExists');
    await shop.call('StopExecution', first);
    expect((await shop.refusal('StartExecution', input)).code).toBe('ExecutionAlreadyExists');
  });

  test.each<[object, string]>([
    [{ input: '{' }, 'InvalidExecutionInput'],
    [{ input: `"${'x'.repeat(262_143)}"` }, 'ValidationException'],
    [{ name: 'a/b' }, 'InvalidName'],
    [{ stateMachineArn: 'm' }, 'InvalidArn'],
    [{ stateMachineArn: `${MACHINE_ARN}:1` }, 'InvalidArn'],
    [{ stateMachineArn: 'arn:aws:states:eu-central-1:000000000000:stateMachine:other' }, 'StateMachineDoesNotExist'],
  ])('a start is refused: %j', async (change, code) => {
    const stateMachineArn = await shop.create(PASS, 'm');
    expect((await shop.refusal('StartExecution', { stateMachineArn, ...change })).code).toBe(code);
  });

  test('an execution without a name gets one of its own', async () => {
    const arn = await shop.create(PASS);
    expect(await shop.start(arn)).not.toBe(await shop.start(arn));
  });

  test('describing answers input, output and times', async () => {
    const execution = await shop.start(await shop.create(WAIT), { a: 1 });
    const at = shop.clock.now() / 1_000;
    expect(await shop.describe(execution)).toMatchObject({
      status: 'RUNNING',
      startDate: at,
      redriveStatus: 'NOT_REDRIVABLE',
      redriveStatusReason: 'Execution is RUNNING and cannot be redriven',
    });
    await shop.clock.asleepFor(60_000);
    shop.clock.advance(60_000);
    expect(await shop.ended(execution)).toMatchObject({
      status: 'SUCCEEDED',
      output: '{"a":1}',
      startDate: at,
      stopDate: at + 60,
    });
    const metadata = await shop.call('DescribeExecution', { executionArn: execution, includedData: 'METADATA_ONLY' });
    expect(metadata).not.toHaveProperty('input');
    expect(metadata).not.toHaveProperty('output');
  });

  test('stopping aborts with error and cause; a second time changes nothing', async () => {
    const executionArn = await shop.start(await shop.create(WAIT));
    const stopped = await shop.call('StopExecution', { executionArn, error: 'E', cause: 'c' });
    expect(stopped).toEqual({ stopDate: shop.clock.now() / 1_000 });
    shop.clock.advance(1_000);
    expect(await shop.call('StopExecution', { executionArn, error: 'F' })).toEqual(stopped);
    expect(await shop.describe(executionArn)).toMatchObject({
      status: 'ABORTED',
      error: 'E',
      cause: 'c',
      redriveStatus: 'REDRIVABLE',
    });
    expect((await shop.events(executionArn)).at(-1)).toMatchObject({
      type: 'ExecutionAborted',
      executionAbortedEventDetails: { error: 'E', cause: 'c' },
    });
    expect(shop.clock.sleepers).toBe(0);
  });

  test('are listed newest first, by status, in pages', async () => {
    const stateMachineArn = await shop.create(WAIT);
    for (const name of ['1', '2', '3', '4']) await shop.start(stateMachineArn, {}, name);
    await shop.call('StopExecution', {
      executionArn: stateMachineArn.replace('stateMachine', 'execution').concat(':2'),
    });
    const list = async (input: object) => {
      type Page = { executions: { name: string }[]; nextToken?: string };
      const page = await shop.call<Page>('ListExecutions', { stateMachineArn, ...input });
      return { names: page.executions.map((execution) => execution.name), nextToken: page.nextToken };
    };
    expect((await list({ statusFilter: 'ABORTED' })).names).toEqual(['2']);
    const first = await list({ statusFilter: 'RUNNING', maxResults: 2 });
    expect(first.names).toEqual(['4', '3']);
    expect(await list({ statusFilter: 'RUNNING', nextToken: first.nextToken })).toEqual({
      names: ['1'],
      nextToken: undefined,
    });
    expect((await shop.refusal('ListExecutions', { stateMachineArn, maxResults: 1_001 })).code).toBe(
      'ValidationException',
    );
  });

  test('the history can be read in pages, backwards, without data, and while it grows', async () => {
    const states = { A: { Type: 'Pass', Assign: { v: 1 }, Next: 'W' }, W: { Type: 'Wait', Seconds: 60, End: true } };
    const executionArn = await shop.start(await shop.create(machine(states)), { a: 1 });
    await shop.clock.asleepFor(60_000);
    type Page = { events: { id: number; type: string }[]; nextToken?: string };
    const read = (input: object) => shop.call<Page>('GetExecutionHistory', { executionArn, ...input });
    const first = await read({ maxResults: 3 });
    expect(first.events.map((event) => event.type)).toEqual([
      'ExecutionStarted',
      'PassStateEntered',
      'PassStateExited',
    ]);
    expect(first.events[2]).toMatchObject({ stateExitedEventDetails: { assignedVariables: { v: '1' } } });
    const second = await read({ nextToken: first.nextToken });
    expect(second.events.map((event) => event.type)).toEqual(['WaitStateEntered']);
    expect(second.nextToken).toBeUndefined();
    expect((await read({ reverseOrder: true })).events.map((event) => event.id)).toEqual([4, 3, 2, 1]);
    const bare = await read({ includeExecutionData: false });
    expect(bare.events[2]).toMatchObject({ stateExitedEventDetails: { name: 'A' } });
    expect(JSON.stringify(bare)).not.toContain('"a"');
  });
});

describe('what the outside learns', () => {
  test('each change of status is an event on the bus, in order', async () => {
    const stateMachineArn = await shop.create(machine({ F: { Type: 'Fail', Error: 'E', Cause: 'c' } }), 'm');
    const executionArn = await shop.start(stateMachineArn, { a: 1 }, 'e');
    await shop.ended(executionArn);
    await shop.service.stop();
    const now = shop.clock.now();
    expect(shop.aws.statusChanges).toMatchObject([
      { detail: { status: 'RUNNING', stopDate: null, output: null } },
      {
        source: 'aws.states',
        'detail-type': 'Step Functions Execution Status Change',
        resources: [executionArn],
        detail: {
          executionArn,
          stateMachineArn,
          name: 'e',
          status: 'FAILED',
          startDate: now,
          stopDate: now,
          input: '{"a":1}',
          inputDetails: { included: true },
          output: null,
          outputDetails: null,
          error: 'E',
          cause: 'c',
        },
      },
    ]);
  });

  test('the journal has start and end, without values', async () => {
    shop.aws.functions.set('f', () => ({ secret: 1 }));
    await shop.run(machine({ T: { Type: 'Task', Resource: functionArn('f'), End: true } }), { secret: 1 });
    expect(shop.aws.entries.map((entry) => [entry.kind, entry.subject])).toEqual([
      ['execution-started', 'machine-1'],
      ['execution-ended', 'machine-1'],
    ]);
    expect(JSON.stringify(shop.aws.entries)).not.toContain('secret');
  });
});
