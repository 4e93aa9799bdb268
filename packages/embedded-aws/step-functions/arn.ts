import { ACCOUNT, AwsError } from '../service.ts';

const MACHINE_ARN = /^arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:stateMachine:([^:]+)$/;
const EXECUTION_ARN = /^arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:execution:([^:]+):([^:]+)$/;
/** Blanks, brackets, wildcards and what is special in ARNs and URLs (API reference, CreateStateMachine). */
const BAD_NAME = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}]/u;

export function machineArn(region: string, name: string): string {
  return `arn:aws:states:${region}:${ACCOUNT}:stateMachine:${name}`;
}

export function executionArn(region: string, machine: string, name: string): string {
  return `arn:aws:states:${region}:${ACCOUNT}:execution:${machine}:${name}`;
}

/** Throws InvalidArn unless it is the ARN of a state machine itself (not of one of its versions or aliases). */
export function checkMachineArn(arn: string): void {
  if (!MACHINE_ARN.test(arn))
    throw new AwsError('InvalidArn', `Invalid Arn: '${arn}' is not the ARN of a state machine`);
}

/** Throws InvalidArn unless it is the ARN of an execution. */
export function checkExecutionArn(arn: string): void {
  if (!EXECUTION_ARN.test(arn))
    throw new AwsError('InvalidArn', `Invalid Arn: '${arn}' is not the ARN of an execution`);
}

/** Throws InvalidName unless a state machine or an execution may have that name. */
export function checkName(name: string): void {
  if (name.length === 0 || name.length > 80 || BAD_NAME.test(name))
    throw new AwsError('InvalidName', `Invalid Name: '${name}'`);
}
