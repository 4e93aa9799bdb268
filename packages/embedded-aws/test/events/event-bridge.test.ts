import { describe, expect, test } from 'vitest';
import { arn, HostedBus, MACHINE, QUEUE } from './hosted-bus.ts';

describe('PutEvents', () => {
  test('completes the event and hands it to the targets of the rules that match', async () => {
    const hosted = new HostedBus();
    await hosted.rule('mine', [QUEUE], { EventPattern: '{"detail":{"object":["Contact"]}}' });
    await hosted.rule('other', [QUEUE], { EventPattern: '{"detail":{"object":["Account"]}}' });
    const answer = await hosted.put({ Detail: '{"object":"Contact"}', Resources: ['r'] });
    await hosted.aws.settled();
    expect(answer).toEqual({ FailedEntryCount: 0, Entries: [{ EventId: expect.stringMatching(/^[0-9a-f-]{36}$/) }] });
    expect(hosted.aws.messages.map(({ body }) => JSON.parse(body))).toEqual([
      {
        version: '0',
        id: answer.Entries[0]?.EventId,
        'detail-type': 'Changes available',
        source: 'app',
        account: '000000000000',
        time: '2026-11-23T08:00:00Z',
        region: 'eu-west-1',
        resources: ['r'],
        detail: { object: 'Contact' },
      },
    ]);
  });

  test('takes the time that it is given', async () => {
    const hosted = new HostedBus();
    await hosted.rule('mine', [QUEUE]);
    await hosted.put({ Time: 1_700_000_000 }, { Time: '2026-01-02T03:04:05Z' });
    await hosted.aws.settled();
    const times = hosted.aws.messages.map(({ body }) => (JSON.parse(body) as { time: string }).time);
    expect(times.sort()).toEqual(['2023-11-14T22:13:20Z', '2026-01-02T03:04:05Z']);
  });

  test.each([
    [{ Source: 'aws.s3' }, 'NotAuthorizedForSourceException'],
    [{ Source: '' }, 'InvalidArgument'],
    [{ DetailType: '' }, 'InvalidArgument'],
    [{ DetailType: 'x'.repeat(129) }, 'InvalidArgument'],
    [{ Detail: '' }, 'InvalidArgument'],
    [{ Detail: '{' }, 'MalformedDetail'],
    [{ Detail: '[1]' }, 'MalformedDetail'],
    [{ Time: 'yesterday' }, 'InvalidArgument'],
    [{ EventBusName: 'other' }, 'ResourceNotFoundException'],
  ])('refuses the entry %j alone', async (entry, ErrorCode) => {
    const hosted = new HostedBus();
    await hosted.rule('mine', [QUEUE], { EventPattern: '{"source":[{"exists":true}]}' });
    expect(await hosted.put(entry, {})).toEqual({
      FailedEntryCount: 1,
      Entries: [{ ErrorCode, ErrorMessage: expect.any(String) }, { EventId: expect.any(String) }],
    });
    await hosted.aws.settled();
    expect(hosted.aws.messages).toHaveLength(1);
  });

  test.each([
    ['nothing', []],
    ['more than ten entries', Array.from({ length: 11 }, () => ({ Source: 'a', DetailType: 'b', Detail: '{}' }))],
    ['256 KB or more', [{ Source: 'a', DetailType: 'b', Detail: JSON.stringify({ x: 'y'.repeat(256 * 1024) }) }]],
  ])('refuses %s as a whole', async (_, Entries) => {
    expect(await new HostedBus().refusal('PutEvents', { Entries })).toMatchObject({ code: 'ValidationException' });
  });

  test('journals which rules match, without what the event holds', async () => {
    const hosted = new HostedBus();
    await hosted.rule('mine', [QUEUE]);
    await hosted.deliver({ Detail: '{"name":"secret value"}' });
    await hosted.put({ Source: 'unknown' });
    expect(hosted.aws.entries.filter(({ kind }) => kind === 'event')).toMatchObject([
      { subject: 'app Changes available', text: 'matches mine' },
      { subject: 'unknown Changes available', text: 'matches no rule' },
    ]);
    expect(JSON.stringify(hosted.aws.entries)).not.toContain('secret value');
  });
});

test('a service publishes under its own source', async () => {
  const hosted = new HostedBus();
  await hosted.rule('files', [MACHINE], { EventPattern: '{"source":["aws.s3"],"detail-type":["Object Created"]}' });
  const given = {
    source: 'aws.s3',
    'detail-type': 'Object Created',
    detail: { object: { key: 'k' } },
    resources: ['b'],
  };
  await hosted.operation('PublishServiceEvent', given);
  await hosted.aws.settled();
  expect(hosted.aws.executions[0]?.input).toMatchObject({ ...given, version: '0', account: '000000000000' });
});

describe('targets', () => {
  test('a state machine is started in the name of the target’s role', async () => {
    const hosted = new HostedBus();
    await hosted.rule('mine', [{ ...MACHINE, InputPath: '$.detail' }]);
    await hosted.deliver({ Detail: '{"object":"Contact"}' });
    expect(hosted.aws.executions).toEqual([
      {
        stateMachineArn: MACHINE.Arn,
        name: expect.stringMatching(/^[0-9a-f-]{36}_[0-9a-f-]{36}$/),
        input: { object: 'Contact' },
        caller: MACHINE.RoleArn,
      },
    ]);
  });

  test('a queue, a function and a topic are called by EventBridge itself', async () => {
    const hosted = new HostedBus();
    const Input = '{"constant":1}';
    const targets = [QUEUE, { Id: 'f', Arn: arn('lambda', 'function:work') }, { Id: 't', Arn: arn('sns', 'alerts') }];
    await hosted.rule(
      'mine',
      targets.map((target) => ({ ...target, Input })),
    );
    await hosted.deliver();
    const [message] = hosted.aws.messages;
    expect(message).toMatchObject({
      queueUrl: `${hosted.aws.origin}/000000000000/changes`,
      body: Input,
      caller: 'events.amazonaws.com',
    });
    expect(hosted.aws.invocations).toEqual([{ functionName: targets[1]?.Arn, type: 'Event', payload: Input }]);
    expect(hosted.aws.notifications).toEqual([Input]);
  });

  test('each gets the event, also when another fails', async () => {
    const hosted = new HostedBus();
    hosted.aws.queues = new Set();
    await hosted.rule('mine', [QUEUE, MACHINE]);
    await hosted.deliver();
    expect(hosted.aws.executions).toHaveLength(1);
    expect(hosted.aws.reportedFaults()).toEqual([expect.stringContaining('NO_RESOURCE')]);
  });
});

describe('rules', () => {
  const pattern = { EventPattern: '{"source":["app"]}' };

  test('are described, listed in pages, disabled, enabled and deleted', async () => {
    const hosted = new HostedBus();
    await hosted.rule('b', [QUEUE], { ...pattern, Description: 'd' });
    await hosted.rule('a', []);
    expect(await hosted.operation('DescribeRule', { Name: 'b' })).toMatchObject({
      Name: 'b',
      Arn: arn('events', 'rule/b'),
      State: 'ENABLED',
      Description: 'd',
      EventBusName: 'default',
    });
    const page = await hosted.operation<{ Rules: object[]; NextToken: string }>('ListRules', { Limit: 1 });
    expect(page.Rules).toMatchObject([{ Name: 'a' }]);
    expect(await hosted.operation('ListRules', { NextToken: page.NextToken })).toMatchObject({
      Rules: [{ Name: 'b' }],
    });
    expect(await hosted.operation('ListRules', { NamePrefix: 'b' })).toMatchObject({ Rules: [{ Name: 'b' }] });
    await hosted.operation('DisableRule', { Name: 'b' });
    await hosted.deliver();
    expect(hosted.aws.messages).toHaveLength(0);
    await hosted.operation('EnableRule', { Name: 'b' });
    await hosted.deliver();
    expect(hosted.aws.messages).toHaveLength(1);
    expect((await hosted.refusal('DeleteRule', { Name: 'b' })).message).toBe(
      "Rule can't be deleted since it has targets.",
    );
    expect(await hosted.operation('ListTargetsByRule', { Rule: 'b' })).toEqual({ Targets: [QUEUE] });
    expect(await hosted.operation('RemoveTargets', { Rule: 'b', Ids: ['queue', 'none'] })).toMatchObject({
      FailedEntryCount: 1,
      FailedEntries: [{ TargetId: 'none' }],
    });
    await hosted.operation('DeleteRule', { Name: 'b' });
    expect(await hosted.refusal('DescribeRule', { Name: 'b' })).toMatchObject({ code: 'ResourceNotFoundException' });
    await hosted.operation('DeleteRule', { Name: 'b' });
  });

  test('and their targets survive a restart', async () => {
    const hosted = new HostedBus();
    await hosted.rule('mine', [QUEUE]);
    await hosted.reopen();
    hosted.bus.start();
    await hosted.deliver();
    expect(hosted.aws.messages).toHaveLength(1);
  });

  test('put again take the new pattern and keep their targets', async () => {
    const hosted = new HostedBus();
    await hosted.rule('mine', [QUEUE]);
    await hosted.rule('mine', [], { EventPattern: '{"source":["other"]}' });
    await hosted.deliver();
    await hosted.deliver({ Source: 'other' });
    expect(hosted.aws.messages).toHaveLength(1);
  });

  test('exist on the default bus only', async () => {
    const hosted = new HostedBus();
    await hosted.rule('mine', [], { ...pattern, EventBusName: arn('events', 'event-bus/default') });
    const error = await hosted.refusal('PutRule', { Name: 'mine', ...pattern, EventBusName: 'other' });
    expect(error).toMatchObject({ code: 'ResourceNotFoundException', message: 'Event bus other does not exist.' });
    expect(await hosted.operation('ListEventBuses', {})).toMatchObject({ EventBuses: [{ Name: 'default' }] });
  });

  test.each<[string, object, string]>([
    ['PutRule', { Name: 'r' }, 'ValidationException'],
    ['PutRule', { Name: 'r', EventPattern: '{"source":"x"}' }, 'InvalidEventPatternException'],
    ['PutRule', { Name: 'r', ScheduleExpression: 'rate(1 second)' }, 'ValidationException'],
    ['PutRule', { Name: 'a b', ...pattern }, 'ValidationException'],
    ['PutTargets', { Rule: 'none', Targets: [QUEUE] }, 'ResourceNotFoundException'],
    ['PutTargets', { Rule: 'mine', Targets: [] }, 'ValidationException'],
    ['PutTargets', { Rule: 'mine', Targets: [{ ...MACHINE, RoleArn: undefined }] }, 'ValidationException'],
    ['PutTargets', { Rule: 'mine', Targets: [{ Id: 'k', Arn: arn('kinesis', 'stream/x') }] }, 'ValidationException'],
    ['PutTargets', { Rule: 'mine', Targets: [{ ...QUEUE, Input: 'text' }] }, 'ValidationException'],
    [
      'PutTargets',
      { Rule: 'mine', Targets: [{ ...QUEUE, RetryPolicy: { MaximumRetryAttempts: 186 } }] },
      'ValidationException',
    ],
    [
      'PutTargets',
      { Rule: 'mine', Targets: [{ ...QUEUE, DeadLetterConfig: { Arn: 'arn:x' } }] },
      'ValidationException',
    ],
    [
      'PutTargets',
      { Rule: 'mine', Targets: [1, 2, 3, 4, 5, 6].map((id) => ({ ...QUEUE, Id: `${id}` })) },
      'LimitExceededException',
    ],
  ])('%s refuses %j', async (operation, input, code) => {
    const hosted = new HostedBus();
    await hosted.rule('mine', []);
    expect(await hosted.refusal(operation, input)).toMatchObject({ code });
  });
});

describe('TestEventPattern', () => {
  const event = { id: '1', source: 's', 'detail-type': 'd', account: '0', region: 'r', time: '2026-11-23T08:00:00Z' };

  test('says whether an event matches', async () => {
    const hosted = new HostedBus();
    const ask = (source: string) => {
      const EventPattern = JSON.stringify({ source: [source] });
      return hosted.operation('TestEventPattern', { Event: JSON.stringify(event), EventPattern });
    };
    expect(await ask('s')).toEqual({ Result: true });
    expect(await ask('t')).toEqual({ Result: false });
  });

  test('refuses what is no event', async () => {
    const { id: _, ...incomplete } = event;
    const EventPattern = '{"source":["s"]}';
    for (const Event of ['{', '[]', JSON.stringify(incomplete)]) {
      const error = await new HostedBus().refusal('TestEventPattern', { Event, EventPattern });
      expect(error).toMatchObject({ code: 'ValidationException', message: expect.stringContaining('Parameter Event') });
    }
  });
});

describe('schedules', () => {
  test('fire every so often, from the creation of the rule', async () => {
    const hosted = new HostedBus();
    await hosted.rule('sweep', [QUEUE], { ScheduleExpression: 'rate(5 minutes)' });
    await hosted.aws.advance(15 * 60_000 + 1);
    expect(hosted.aws.messages).toHaveLength(3);
    expect(JSON.parse(hosted.aws.messages[0]?.body ?? '')).toEqual({
      version: '0',
      id: expect.any(String),
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      account: '000000000000',
      time: '2026-11-23T08:05:00Z',
      region: 'eu-west-1',
      resources: [arn('events', 'rule/sweep')],
      detail: {},
    });
  });

  test('are as much more frequent as the time is scaled', async () => {
    const hosted = new HostedBus({ timeScale: 12 });
    await hosted.rule('sweep', [QUEUE], { ScheduleExpression: 'rate(5 minutes)' });
    await hosted.aws.advance(5 * 60_000 + 1);
    expect(hosted.aws.messages).toHaveLength(12);
  });

  test('of a cron expression', async () => {
    const hosted = new HostedBus();
    await hosted.rule('nightly', [QUEUE], { ScheduleExpression: 'cron(30 8 * * ? *)' });
    await hosted.aws.advance(25 * 3_600_000);
    expect(hosted.aws.messages.map(({ body }) => (JSON.parse(body) as { time: string }).time)).toEqual([
      '2026-11-23T08:30:00Z',
      '2026-11-24T08:30:00Z',
    ]);
  });

  test('end with disabling, deleting and stopping, and take a change at once', async () => {
    const hosted = new HostedBus();
    await hosted.rule('sweep', [QUEUE], { ScheduleExpression: 'rate(5 minutes)' });
    await hosted.operation('DisableRule', { Name: 'sweep' });
    await hosted.aws.advance(3_600_000);
    expect(hosted.aws.messages).toHaveLength(0);
    await hosted.rule('sweep', [], { ScheduleExpression: 'rate(1 hour)' });
    await hosted.aws.advance(3_600_000);
    expect(hosted.aws.messages).toHaveLength(1);
    await hosted.bus.stop();
    await hosted.aws.advance(3_600_000);
    expect(hosted.aws.messages).toHaveLength(1);
    expect(hosted.aws.nextTimerMs).toBeUndefined();
  });

  test('keep their beat when the rule is put again, as at each start of the host', async () => {
    const hosted = new HostedBus();
    await hosted.rule('sweep', [QUEUE], { ScheduleExpression: 'rate(5 minutes)' });
    await hosted.aws.advance(3 * 60_000);
    await hosted.rule('sweep', [], { ScheduleExpression: 'rate(5 minutes)' });
    await hosted.aws.advance(2 * 60_000);
    expect(hosted.aws.messages).toHaveLength(1);
  });

  test('fire once although a timer comes a moment early', async () => {
    const hosted = new HostedBus();
    await hosted.reopen({ timers: { after: (ms, run) => hosted.aws.after(Math.max(ms - 5, 1), run) } });
    hosted.bus.start();
    await hosted.rule('sweep', [QUEUE], { ScheduleExpression: 'rate(1 minute)' });
    await hosted.aws.advance(60_100);
    expect(hosted.aws.messages).toHaveLength(1);
  });

  test('go on after a restart without making up for what was missed', async () => {
    const hosted = new HostedBus();
    await hosted.rule('sweep', [QUEUE], { ScheduleExpression: 'rate(1 hour)' });
    await hosted.reopen();
    await hosted.aws.advance(2.5 * 3_600_000);
    hosted.bus.start();
    await hosted.aws.settled();
    expect(hosted.aws.messages).toHaveLength(0);
    await hosted.aws.advance(1_800_000);
    expect(hosted.aws.messages).toHaveLength(1);
  });
});
