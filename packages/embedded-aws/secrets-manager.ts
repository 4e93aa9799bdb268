import { createHash, randomUUID } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ACCOUNT, AwsError, type EmbeddedAws, type Operations } from './service.ts';

interface SecretVersion {
  readonly id: string;
  readonly stages: readonly string[];
  readonly text: string | undefined;
  /** Base64. */
  readonly binary: string | undefined;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

interface Secret {
  readonly name: string;
  readonly arn: string;
  readonly description: string | undefined;
  readonly createdAt: number;
  readonly changedAt: number;
  /** Newest last. */
  readonly versions: readonly SecretVersion[];
}

interface Value {
  readonly SecretString?: string;
  readonly SecretBinary?: string | Uint8Array;
  readonly ClientRequestToken?: string;
}
interface OfSecret {
  /** Name, ARN, or ARN without its six random characters. */
  readonly SecretId?: string;
}

const CURRENT = 'AWSCURRENT';
const PREVIOUS = 'AWSPREVIOUS';
/** 65,536 bytes (API reference, PutSecretValue). */
const MAX_SECRET_BYTES = 65_536;

/** Secrets Manager: secrets with their versions and stages, in the store. Nothing is encrypted here. */
export class SecretsManager {
  readonly operations: Operations;
  readonly #aws: EmbeddedAws;
  readonly #put: StatementSync;
  readonly #all: StatementSync;
  readonly #delete: StatementSync;

  constructor(aws: EmbeddedAws, store: DatabaseSync) {
    this.#aws = aws;
    store.exec('CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, secret TEXT NOT NULL) STRICT');
    this.#put = store.prepare('INSERT OR REPLACE INTO secret VALUES (?, ?)');
    this.#all = store.prepare('SELECT secret FROM secret ORDER BY name');
    this.#delete = store.prepare('DELETE FROM secret WHERE name = ?');
    this.operations = {
      CreateSecret: (input: Value & { readonly Name?: string; readonly Description?: string }) => this.#create(input),
      DeleteSecret: (input: OfSecret) => this.#remove(input),
      DescribeSecret: (input: OfSecret) => described(this.#secret(input)),
      GetSecretValue: (input: OfSecret & { readonly VersionId?: string; readonly VersionStage?: string }) =>
        this.#value(input),
      ListSecrets: () => ({ SecretList: this.#secrets().map(listed) }),
      PutSecretValue: (input: OfSecret & Value & { readonly VersionStages?: readonly string[] }) =>
        this.#putValue(input),
      UpdateSecret: (input: OfSecret & Value & { readonly Description?: string }) => this.#update(input),
    };
  }

  #secrets(): Secret[] {
    return this.#all.all().map((row) => JSON.parse(String(row.secret)) as Secret);
  }

  /** @throws AwsError `ResourceNotFoundException` */
  #secret({ SecretId: id }: OfSecret): Secret {
    if (!id) throw invalid('SecretId must be given: the name or the ARN of a secret.');
    const fits = ({ name, arn }: Secret) => name === id || arn === id || arn.slice(0, -'-XXXXXX'.length) === id;
    const secret = this.#secrets().find(fits);
    if (secret === undefined) {
      throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    }
    return secret;
  }

  #save(secret: Secret): void {
    this.#put.run(secret.name, JSON.stringify(secret));
  }

  #create(input: Value & { readonly Name?: string; readonly Description?: string }): object {
    const { Name: name = '', Description: description } = input;
    if (!/^[A-Za-z0-9/_+=.@-]{1,512}$/.test(name)) {
      throw invalid(
        'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
      );
    }
    if (this.#secrets().some((secret) => secret.name === name)) {
      throw new AwsError('ResourceExistsException', `The operation failed because the secret ${name} already exists.`);
    }
    const now = this.#aws.now();
    // In AWS the suffix is random; here the same secret has the same ARN in every run.
    const suffix = createHash('sha256').update(name).digest('hex').slice(0, 6);
    const arn = `arn:aws:secretsmanager:${this.#aws.region}:${ACCOUNT}:secret:${name}-${suffix}`;
    const secret = { name, arn, description, createdAt: now, changedAt: now, versions: [] };
    this.#save(secret);
    const version = hasValue(input) ? this.#addVersion(secret, input, [CURRENT]) : undefined;
    return { ARN: arn, Name: name, VersionId: version?.id };
  }

  #putValue(input: OfSecret & Value & { readonly VersionStages?: readonly string[] }): object {
    const secret = this.#secret(input);
    if (!hasValue(input)) throw invalid('You must provide either SecretString or SecretBinary.');
    const { id, stages } = this.#addVersion(secret, input, input.VersionStages ?? [CURRENT]);
    return { ARN: secret.arn, Name: secret.name, VersionId: id, VersionStages: stages };
  }

  #update(input: OfSecret & Value & { readonly Description?: string }): object {
    const found = this.#secret(input);
    const secret = { ...found, description: input.Description ?? found.description };
    this.#save(secret);
    const version = hasValue(input) ? this.#addVersion(secret, input, [CURRENT]) : undefined;
    return { ARN: secret.arn, Name: secret.name, VersionId: version?.id };
  }

  /** A stage is at one version at a time; where AWSCURRENT was, AWSPREVIOUS is now. */
  #addVersion(secret: Secret, value: Value, stages: readonly string[]): SecretVersion {
    const version = versionOf(value, stages, this.#aws.now());
    const repeated = secret.versions.find(({ id }) => id === version.id);
    if (repeated !== undefined) {
      if (repeated.text === version.text && repeated.binary === version.binary) return repeated;
      const text = `You can't use ClientRequestToken ${version.id} because that value is already in use for a version of secret ${secret.arn}.`;
      throw new AwsError('ResourceExistsException', text);
    }
    const movesCurrent = stages.includes(CURRENT);
    const older = secret.versions.map((one) => {
      const kept = one.stages.filter((stage) => !stages.includes(stage) && !(movesCurrent && stage === PREVIOUS));
      return { ...one, stages: movesCurrent && one.stages.includes(CURRENT) ? [...kept, PREVIOUS] : kept };
    });
    this.#save({ ...secret, changedAt: version.createdAt, versions: [...older, version] });
    return version;
  }

  #value(input: OfSecret & { readonly VersionId?: string; readonly VersionStage?: string }): object {
    const secret = this.#secret(input);
    const { VersionId: wantedId, VersionStage: wantedStage = wantedId === undefined ? CURRENT : undefined } = input;
    const version = secret.versions.find(
      ({ id, stages }) =>
        (wantedId === undefined || id === wantedId) && (wantedStage === undefined || stages.includes(wantedStage)),
    );
    if (version === undefined) {
      const what = wantedStage === undefined ? `VersionId: ${wantedId}` : `staging label: ${wantedStage}`;
      const text = `Secrets Manager can't find the specified secret value for ${what}`;
      throw new AwsError('ResourceNotFoundException', text);
    }
    return {
      ARN: secret.arn,
      Name: secret.name,
      VersionId: version.id,
      VersionStages: version.stages,
      SecretString: version.text,
      SecretBinary: version.binary,
      CreatedDate: new Date(version.createdAt),
    };
  }

  #remove(input: OfSecret): object {
    const secret = this.#secret(input);
    this.#delete.run(secret.name);
    return { ARN: secret.arn, Name: secret.name, DeletionDate: new Date(this.#aws.now()) };
  }
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterException', message);
}

function hasValue({ SecretString: text, SecretBinary: binary }: Value): boolean {
  if (text !== undefined && binary !== undefined)
    throw invalid("You can't specify both a binary and a text secret value.");
  return text !== undefined || binary !== undefined;
}

function versionOf(value: Value, stages: readonly string[], createdAt: number): SecretVersion {
  const { SecretString: text, SecretBinary: binary, ClientRequestToken: token } = value;
  const encoded = binary instanceof Uint8Array ? Buffer.from(binary).toString('base64') : binary;
  if (Buffer.byteLength(text ?? encoded ?? '') > MAX_SECRET_BYTES) {
    throw new AwsError('ValidationException', `The secret value is longer than ${MAX_SECRET_BYTES} bytes.`);
  }
  return { id: token ?? randomUUID(), stages, text, binary: encoded, createdAt };
}

function stagesById({ versions }: Secret): Record<string, readonly string[]> {
  return Object.fromEntries(versions.filter(({ stages }) => stages.length > 0).map(({ id, stages }) => [id, stages]));
}

function listed(secret: Secret): object {
  const { VersionIdsToStages, ...others } = described(secret);
  return { ...others, SecretVersionsToStages: VersionIdsToStages };
}

function described(secret: Secret): Record<string, unknown> {
  return {
    ARN: secret.arn,
    Name: secret.name,
    Description: secret.description,
    CreatedDate: new Date(secret.createdAt),
    LastChangedDate: new Date(secret.changedAt),
    VersionIdsToStages: stagesById(secret),
  };
}
