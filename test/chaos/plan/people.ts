/** Which records of the plan there should be at a moment: those that operations can be about. Nobody knows before the run. */
import type { Random } from './random.ts';

interface Person {
  readonly name: string;
  /** On which side it was deleted, as far as planned. */
  gone: 'salesforce' | 'postgres' | undefined;
}

/** A few are in every hand. */
const HOT = 3;

export class People {
  readonly #ofObject = new Map<string, Person[]>();

  /** A name that nobody had before. */
  add(object: string): string {
    const others = this.#ofObject.get(object) ?? [];
    const name = `${object} ${others.length + 1}`;
    this.#ofObject.set(object, [...others, { name, gone: undefined }]);
    return name;
  }

  alive(object: string): readonly string[] {
    return this.#of(object).flatMap(({ name, gone }) => (gone === undefined ? [name] : []));
  }

  /** One that lives, often one of the same few; undefined: there is none. */
  one(object: string, random: Random): string | undefined {
    const alive = this.alive(object);
    if (alive.length === 0) return undefined;
    return random.pick(random.chance(0.6) ? alive.slice(0, HOT) : alive);
  }

  /** One that was deleted on the side. */
  deleted(object: string, side: 'salesforce' | 'postgres', random: Random): string | undefined {
    const gone = this.#of(object).filter((each) => each.gone === side);
    return gone.length === 0 ? undefined : random.pick(gone).name;
  }

  goes(name: string, side: 'salesforce' | 'postgres'): void {
    this.#called(name).gone = side;
  }

  comesBack(name: string): void {
    this.#called(name).gone = undefined;
  }

  /** Merged away, it never comes back. */
  ends(name: string): void {
    const object = name.slice(0, name.lastIndexOf(' '));
    this.goes(name, 'salesforce');
    const ended = this.#called(name);
    // Its place stays taken, so that no other record gets its name.
    this.#ofObject.set(
      object,
      this.#of(object).map((each) => (each === ended ? { name: '', gone: 'salesforce' } : each)),
    );
  }

  #of(object: string): readonly Person[] {
    return (this.#ofObject.get(object) ?? []).filter(({ name }) => name !== '');
  }

  #called(name: string): Person {
    const object = name.slice(0, name.lastIndexOf(' '));
    const found = this.#of(object).find((each) => each.name === name);
    if (found === undefined) throw new Error(`The plan has no ${name}`);
    return found;
  }
}
