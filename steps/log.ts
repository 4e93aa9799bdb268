/** Where a step logs. Keys, counts and codes; never values of records. */
export interface Log {
  debug(message: string, details: LogDetails): void;
  info(message: string, details: LogDetails): void;
  warn(message: string, details: LogDetails): void;
}

type LogDetails = Readonly<Record<string, unknown>>;
