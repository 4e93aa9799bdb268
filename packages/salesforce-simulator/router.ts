import { isUtf8 } from 'node:buffer';
import type { Route } from './call.ts';

export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** Finds the route of a path: literal segments in any case, slashes already collapsed. Earlier routes win. */
export class Router {
  readonly #routes: readonly { readonly route: Route; readonly segments: readonly string[] }[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({ route, segments: route.pattern.split('/').filter((s) => s !== '') }));
  }

  find(path: string): RouteMatch | undefined {
    const given = path.split('/').filter((segment) => segment !== '');
    for (const { route, segments } of this.#routes) {
      const params = match(segments, given);
      if (params !== undefined) return { route, params };
    }
    return undefined;
  }
}

function match(segments: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [i, segment] of segments.entries()) {
    const actual = given[i];
    if (actual === undefined) return undefined;
    if (segment.startsWith('*')) {
      params[segment.slice(1)] = given.slice(i).map(decode).join('/');
      return params;
    }
    if (segment.startsWith(':')) params[segment.slice(1)] = decode(actual);
    else if (segment.toLowerCase() !== actual.toLowerCase()) return undefined;
  }
  return given.length === segments.length ? params : undefined;
}

/** Percent-decoding; what is no proper escape (clients leave a bare `%` in external ids) stays as it is. */
function decode(segment: string): string {
  return segment.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    const bytes = Buffer.from(escapes.replaceAll('%', ''), 'hex');
    return isUtf8(bytes) ? bytes.toString('utf8') : escapes;
  });
}
