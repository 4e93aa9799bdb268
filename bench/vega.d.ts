/** What the plot needs of the two packages: their own declarations describe everything that a specification may say. */
declare module 'vega' {
  export function parse(specification: object): object;

  export class View {
    constructor(dataflow: object, options: { readonly renderer: 'none' });
    toSVG(): Promise<string>;
    finalize(): this;
  }
}

declare module 'vega-lite' {
  /** Turns a Vega-Lite specification into one of Vega. Throws Error for one that makes no sense. */
  export function compile(specification: object): { readonly spec: object };
}
