import { z } from 'zod';

const ErrorList = z.array(z.object({ errorCode: z.string(), message: z.string().optional() })).min(1);
const OAuthAnswer = z.object({ error: z.string(), error_description: z.string().optional() });

/** Salesforce refused a call, or could not be reached (`status` 0). */
export class SalesforceError extends Error {
  override readonly name = 'SalesforceError' as const;
  readonly status: number;
  readonly errorCode: string;

  constructor(status: number, errorCode: string, message: string, cause?: unknown) {
    super(`${errorCode}: ${message}`, { cause });
    this.status = status;
    this.errorCode = errorCode;
  }

  /** Reads the body of an error answer: a list of errors, an OAuth error, or anything a proxy may send. */
  static fromAnswer(status: number, body: string): SalesforceError {
    const parsed = parseJson(body);
    const list = ErrorList.safeParse(parsed);
    const first = list.success ? list.data[0] : undefined;
    if (first) return new SalesforceError(status, first.errorCode, first.message ?? `HTTP ${status}`);
    const oauth = OAuthAnswer.safeParse(parsed);
    if (oauth.success) return new SalesforceError(status, oauth.data.error, oauth.data.error_description ?? '');
    return new SalesforceError(status, `HTTP_${status}`, 'the answer is not one of Salesforce');
  }

  static unreachable(url: string, cause: unknown): SalesforceError {
    const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    const reason = inner instanceof Error ? inner.message : String(inner);
    return new SalesforceError(0, 'UNREACHABLE', `${new URL(url).origin} does not answer (${reason})`, cause);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Error pages of proxies are HTML; the caller reports their status.
    return undefined;
  }
}
