import type { CfnFlow } from 'aws-cdk-lib/aws-appflow';
import type { FieldType } from '../core/mapping/field-types/field-type.ts';

/** One field that a flow carries, and its type in Salesforce. */
export interface FlowField {
  readonly name: string;
  readonly type: string;
}

export function flowField({ field, type }: { readonly field: string; readonly type: FieldType }): FlowField {
  return { name: field, type: type.appflowType };
}

export const ID_FIELD: FlowField = { name: 'Id', type: 'id' };

/** The tasks of a flow that carries the fields as they are, without the records that have no Id. */
export function flowTasks(source: 'salesforce' | 's3', fields: readonly FlowField[]): CfnFlow.TaskProperty[] {
  return [
    {
      taskType: 'Filter',
      sourceFields: fields.map(({ name }) => name),
      connectorOperator: { [source]: 'PROJECTION' },
    },
    ...fields.map(({ name, type }) => ({
      taskType: 'Map',
      sourceFields: [name],
      destinationField: name,
      connectorOperator: { [source]: 'NO_OP' },
      taskProperties: [
        { key: 'SOURCE_DATA_TYPE', value: type },
        { key: 'DESTINATION_DATA_TYPE', value: type },
      ],
    })),
    {
      taskType: 'Validate',
      sourceFields: ['Id'],
      connectorOperator: { [source]: 'VALIDATE_NON_NULL' },
      taskProperties: [{ key: 'VALIDATION_ACTION', value: 'DropRecord' }],
    },
  ];
}
