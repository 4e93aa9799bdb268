import { expect, test } from 'vitest';
import type { Assembly } from '../../../local/host/assembly.ts';
import { type Deployment, deploy } from '../../../local/host/deployment.ts';
import type { ResourceMakers } from '../../../local/host/resource-maker.ts';
import { parseTemplate } from '../../../local/host/template.ts';

function assembly(template: object): Assembly {
  return {
    stackName: 'sfsync',
    template: parseTemplate(template),
    fileAsset: (key) => `/assembly/${key}`,
    imageAsset: () => ({ directory: '/assembly', dockerFile: 'Dockerfile' }),
  };
}

/** Things that only exist in `made`, in the order in which they came and went. */
function things(): { makers: ResourceMakers; happened: string[] } {
  const happened: string[] = [];
  const makers: ResourceMakers = {
    'Test::Thing': {
      make: (properties, { name, logicalId }) => {
        if (properties.Fault !== undefined) throw new Error(String(properties.Fault));
        happened.push(`make ${logicalId} ${JSON.stringify(properties)}`);
        return { ref: name(20), attributes: { Arn: `arn:${logicalId}` } };
      },
      remove: ({ ref }) => {
        happened.push(`remove ${ref}`);
      },
    },
  };
  return { makers, happened };
}

function run(template: object, makers: ResourceMakers, previous: Deployment['resources'] = {}, parameters = {}) {
  return deploy({ assembly: assembly(template), parameters, makers, region: 'eu-west-1', account: '0', previous });
}

test('resources are made with resolved properties, and outputs answered', async () => {
  const { makers, happened } = things();
  const { outputs } = await run(
    {
      Parameters: { Size: { Type: 'String', Default: 'small' }, Zones: { Type: 'CommaDelimitedList' } },
      Resources: {
        Second: {
          Type: 'Test::Thing',
          Properties: { First: { 'Fn::GetAtt': ['First', 'Arn'] }, Size: { Ref: 'Size' } },
        },
        First: { Type: 'Test::Thing', Properties: { Zones: { Ref: 'Zones' } } },
      },
      Outputs: { SecondName: { Value: { Ref: 'Second' } } },
    },
    makers,
    {},
    { Zones: 'a, b' },
  );
  expect(happened).toEqual(['make First {"Zones":["a","b"]}', 'make Second {"First":"arn:First","Size":"small"}']);
  expect(outputs).toEqual({ SecondName: 'sfsync-Second' });
});

test('types that are not known are refused all at once, before anything is made', async () => {
  const { makers, happened } = things();
  const template = {
    Resources: {
      Fine: { Type: 'Test::Thing' },
      Table: { Type: 'AWS::DynamoDB::Table' },
      Pool: { Type: 'AWS::Cognito::UserPool' },
    },
  };
  await expect(run(template, makers)).rejects.toThrow(
    'The template has 2 resource(s) of types that the local host does not know; nothing was made:\n' +
      '  - Table: AWS::DynamoDB::Table\n  - Pool: AWS::Cognito::UserPool',
  );
  expect(happened).toEqual([]);
});

test('a resource whose condition does not hold is not made, even of an unknown type', async () => {
  const { makers, happened } = things();
  await run(
    {
      Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
      Resources: { Table: { Type: 'AWS::DynamoDB::Table', Condition: 'Never' }, Fine: { Type: 'Test::Thing' } },
      Outputs: { Table: { Value: { Ref: 'Table' }, Condition: 'Never' } },
    },
    makers,
  );
  expect(happened).toEqual(['make Fine {}']);
});

test('over an earlier deployment it updates in place and removes what is gone, dependents first', async () => {
  const { makers, happened } = things();
  const thing = (properties = {}) => ({ Type: 'Test::Thing', Properties: properties });
  const first = await run({ Resources: { A: thing(), B: thing(), C: thing({ b: { Ref: 'B' } }) } }, makers);
  happened.length = 0;
  const second = await run({ Resources: { A: thing({ New: true }) } }, makers, first.resources);
  expect(happened).toEqual(['make A {"New":true}', 'remove sfsync-C', 'remove sfsync-B']);
  expect(second.resources).toEqual({ A: { type: 'Test::Thing', ref: 'sfsync-A', attributes: { Arn: 'arn:A' } } });
});

test('a resource that cannot be made is named', async () => {
  const { makers } = things();
  const template = { Resources: { Bad: { Type: 'Test::Thing', Properties: { Fault: 'no room' } } } };
  await expect(run(template, makers)).rejects.toThrow('Resource Bad (Test::Thing) could not be made: no room');
});

test('parameters without a value, and values without a parameter, are refused together', async () => {
  const { makers } = things();
  const template = { Parameters: { VpcId: { Type: 'String' }, Other: { Type: 'String' } }, Resources: {} };
  await expect(run(template, makers, {}, { Typo: 'x' })).rejects.toThrow(
    "The template's parameters: parameter VpcId has no value; parameter Other has no value; a value is given for Typo, which is not a parameter",
  );
});
