/**
 * What has been started and must be ended, in the reverse order of its start. Every part is asked to end even if another
 * one fails to.
 */
export class Shutdown {
  readonly #parts: { readonly name: string; readonly end: () => void | Promise<void> }[] = [];
  #running: Promise<void> | undefined;

  add(name: string, end: () => void | Promise<void>): void {
    this.#parts.push({ name, end });
  }

  /** Ends everything; called again it answers the same promise. Throws one Error that names the parts that did not end. */
  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    const faults: string[] = [];
    for (const { name, end } of this.#parts.reverse()) {
      try {
        await end();
      } catch (error) {
        faults.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    if (faults.length > 0) throw new Error(`Not everything ended cleanly: ${faults.join('; ')}`);
  }
}
