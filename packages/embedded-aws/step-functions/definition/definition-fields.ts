import { compile, isExpression } from '../states/expression.ts';
import type { Json, JsonObject } from '../states/json.ts';
import { isJsonObject } from '../states/json.ts';
import type { Diagnostic } from './definition.ts';

const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds since 1970 of an RFC 3339 timestamp with offset; undefined when it is none. */
export function parseTimestamp(text: string): number | undefined {
  if (!TIMESTAMP.test(text)) return undefined;
  const at = Date.parse(text.replace(/(\.\d{3})\d+/, '$1'));
  return Number.isNaN(at) ? undefined : at;
}

/**
 * Reads the members of one object of a definition and collects every fault, so that all of them can be reported at once.
 * Members that no reader asked for are faults too: a misspelled `Ouput` must not be ignored.
 */
export class Fields {
  readonly location: string;
  readonly #members: JsonObject;
  readonly #diagnostics: Diagnostic[];
  readonly #asked = new Set<string>();

  constructor(members: JsonObject, location: string, diagnostics: Diagnostic[]) {
    this.#members = members;
    this.location = location;
    this.#diagnostics = diagnostics;
  }

  fault(message: string, code: Diagnostic['code'] = 'SCHEMA_VALIDATION_FAILED', at = ''): void {
    this.#diagnostics.push({ severity: 'ERROR', code, message, location: `${this.location}${at}` });
  }

  unsupported(message: string, at = ''): void {
    this.fault(message, 'UNSUPPORTED', at);
  }

  has(name: string): boolean {
    return name in this.#members;
  }

  value(name: string): Json | undefined {
    this.#asked.add(name);
    return this.#members[name];
  }

  text(name: string): string | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === 'string') return value;
    this.fault('Expected value of type String', undefined, `/${name}`);
    return undefined;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined && !this.has(name)) this.fault(`The field '${name}' is required but was missing`);
    return value ?? '';
  }

  number(name: string, smallest: number, whole: boolean): number | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value >= smallest && (!whole || Number.isInteger(value))) return value;
    this.fault(`Expected ${whole ? 'an integer' : 'a number'} of at least ${smallest}`, undefined, `/${name}`);
    return undefined;
  }

  /** A number or an expression for one. */
  numberTemplate(name: string, smallest: number, whole: boolean): Json | undefined {
    const value = this.value(name);
    return typeof value === 'string' && isExpression(value) ? this.template(name) : this.number(name, smallest, whole);
  }

  template(name: string): Json | undefined {
    const value = this.value(name);
    if (value !== undefined) this.#compile(value, `/${name}`);
    return value;
  }

  objectTemplate(name: string): JsonObject | undefined {
    const value = this.template(name);
    if (value === undefined || isJsonObject(value)) return value;
    this.fault('Expected value of type Object', undefined, `/${name}`);
    return undefined;
  }

  object(name: string): Fields | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (isJsonObject(value)) return new Fields(value, `${this.location}/${name}`, this.#diagnostics);
    this.fault('Expected value of type Object', undefined, `/${name}`);
    return undefined;
  }

  entries(name: string): [string, Fields][] {
    const fields = this.object(name);
    return fields === undefined
      ? []
      : [...fields.#names()].flatMap((key) => {
          const member = fields.object(key);
          return member === undefined ? [] : [[key, member]];
        });
  }

  objects(name: string): Fields[] {
    const value = this.value(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.fault('Expected value of type Array', undefined, `/${name}`);
      return [];
    }
    return value.flatMap((element: Json, index) => {
      const at = `/${name}[${index}]`;
      if (isJsonObject(element)) return [new Fields(element, `${this.location}${at}`, this.#diagnostics)];
      this.fault('Expected value of type Object', undefined, at);
      return [];
    });
  }

  strings(name: string): string[] {
    const value = this.value(name);
    if (Array.isArray(value) && value.length > 0 && value.every((element) => typeof element === 'string')) return value;
    this.fault('Expected a list of at least one String', undefined, `/${name}`);
    return [];
  }

  /** To be called last: faults every member that was not read. */
  refuseOthers(): void {
    for (const name of this.#names()) {
      if (!this.#asked.has(name)) this.fault('Field is not supported', undefined, `/${name}`);
    }
  }

  #names(): string[] {
    return Object.keys(this.#members);
  }

  #compile(template: Json, at: string): void {
    if (typeof template === 'string' && isExpression(template)) {
      try {
        compile(template);
      } catch (thrown) {
        const why = typeof thrown === 'object' && thrown !== null && 'message' in thrown ? thrown.message : thrown;
        this.fault(`The JSONata expression '${template}' cannot be parsed: ${String(why)}`, 'INVALID_JSONATA', at);
      }
    } else if (Array.isArray(template)) {
      template.forEach((element: Json, index) => {
        this.#compile(element, `${at}[${index}]`);
      });
    } else if (isJsonObject(template)) {
      for (const [key, member] of Object.entries(template)) this.#compile(member, `${at}/${key}`);
    }
  }
}
