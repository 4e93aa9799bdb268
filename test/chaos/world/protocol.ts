/** What travels between the run and the process of the system under test. */

export interface StartSettings {
  readonly projectDirectory: string;
  readonly configurationFile: string;
  readonly stateDirectory: string;
  readonly pollMs: number;
  readonly databaseUrl: string;
}

export interface Order {
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
}

/** The answer with id 0 is the first: everything answers, and `result` says where. */
export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}
