import { SalesforceError } from '../salesforce-error.ts';
import type { FieldDefinition, ObjectDefinition } from './object-definition.ts';
import { withSystemFields } from './system-fields.ts';

/** A lookup seen from its parent. */
export interface ChildRelationship {
  readonly child: ObjectSchema;
  readonly field: FieldDefinition;
}

/** One object of the org; names are looked up in any case, as Salesforce does. */
export class ObjectSchema {
  readonly definition: ObjectDefinition;
  readonly name: string;
  /** As the administrator last made them. */
  fields: readonly FieldDefinition[];
  /** Lookups of other objects that point here. Filled by OrgSchema. */
  readonly children: ChildRelationship[] = [];
  /** Fields that equality lookups must be quick on: external ids, unique fields and references. */
  readonly indexed: readonly FieldDefinition[];
  readonly #byName = new Map<string, FieldDefinition>();
  readonly #byRelationship = new Map<string, FieldDefinition>();
  readonly #hidden = new Set<string>();
  readonly #made: readonly FieldDefinition[];

  constructor(definition: ObjectDefinition) {
    this.definition = definition;
    this.name = definition.name;
    this.#made = withSystemFields(definition);
    this.fields = this.#made;
    for (const field of this.fields) {
      this.#byName.set(field.name.toLowerCase(), field);
      if (field.relationshipName !== undefined) this.#byRelationship.set(field.relationshipName.toLowerCase(), field);
    }
    this.indexed = this.fields.filter((f) => f.externalId === true || f.unique === true || isOwnReference(f));
  }

  /** Whether a deleted record is kept in the recycle bin. */
  get keepsDeleted(): boolean {
    return this.#made.some(({ name }) => name === 'IsDeleted');
  }

  /** The field of this name, unless field-level security hides it. */
  field(name: string): FieldDefinition | undefined {
    const field = this.#byName.get(name.toLowerCase());
    return field === undefined || this.#hidden.has(field.name) ? undefined : field;
  }

  /** The lookup behind a relationship name such as `Account` in `Account.Name`, unless it is hidden. */
  relationship(name: string): FieldDefinition | undefined {
    const field = this.#byRelationship.get(name.toLowerCase());
    return field === undefined || this.#hidden.has(field.name) ? undefined : field;
  }

  /** What this user sees: a hidden field is absent, not null. */
  get visibleFields(): readonly FieldDefinition[] {
    return this.#hidden.size === 0 ? this.fields : this.fields.filter((f) => !this.#hidden.has(f.name));
  }

  /** Makes exactly these fields (lower-case names) what the administrator says; the others are what they were. */
  changeExactly(changes: ReadonlyMap<string, Partial<FieldDefinition>>): void {
    this.fields = this.#made.map((field) => ({ ...field, ...changes.get(field.name.toLowerCase()) }));
    for (const field of this.fields) this.#byName.set(field.name.toLowerCase(), field);
  }

  /** Takes away, or gives back, the right to see and write exactly these fields (lower-case names). */
  hideExactly(names: ReadonlySet<string>): void {
    this.#hidden.clear();
    for (const name of names) {
      const field = this.#byName.get(name);
      if (field !== undefined) this.#hidden.add(field.name);
    }
  }
}

/** Every object points to User through its audit fields; no query looks for records by them, so they carry no index. */
function isOwnReference(field: FieldDefinition): boolean {
  return field.type === 'reference' && !(field.referenceTo ?? []).includes('User');
}

/** The objects of one org. Throws at construction when definitions contradict each other. */
export class OrgSchema {
  readonly objects: readonly ObjectSchema[];
  readonly #byName = new Map<string, ObjectSchema>();
  readonly #byPrefix = new Map<string, ObjectSchema>();

  constructor(definitions: readonly ObjectDefinition[]) {
    this.objects = definitions.map((definition) => new ObjectSchema(definition));
    for (const object of this.objects) {
      const prefix = object.definition.keyPrefix;
      if (this.#byName.has(object.name.toLowerCase())) throw new Error(`object ${object.name} is defined twice`);
      if (this.#byPrefix.has(prefix)) throw new Error(`objects share the key prefix ${prefix}: give each its own`);
      this.#byName.set(object.name.toLowerCase(), object);
      this.#byPrefix.set(prefix, object);
    }
    for (const object of this.objects)
      for (const field of object.fields)
        for (const target of field.referenceTo ?? []) {
          const parent = this.find(target);
          if (parent === undefined) throw new Error(`${object.name}.${field.name} refers to unknown object ${target}`);
          parent.children.push({ child: object, field });
        }
  }

  find(name: string): ObjectSchema | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  /** The object of this name; throws NOT_FOUND as a URL with an unknown object does. */
  object(name: string): ObjectSchema {
    const object = this.find(name);
    if (object === undefined)
      throw new SalesforceError('NOT_FOUND', 'The requested resource does not exist', { status: 404 });
    return object;
  }

  /** The object that an id belongs to, by its key prefix. */
  ofId(id: string): ObjectSchema | undefined {
    return this.#byPrefix.get(id.slice(0, 3));
  }
}
