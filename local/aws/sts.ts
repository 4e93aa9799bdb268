import { ACCOUNT, type Caller, type Operations } from './service.ts';

/** STS: tells who a caller is. Roles are not assumed here: each access key names its role already. */
export class Sts {
  readonly operations: Operations = {
    GetCallerIdentity: (_input: object, { principal }: Caller) => ({
      Arn: principal.startsWith('arn:') ? principal : `arn:aws:iam::${ACCOUNT}:user/${principal}`,
      UserId: principal.split('/').at(-1) ?? principal,
      Account: ACCOUNT,
    }),
  };
}
