import type { Link } from '../../../../core/agreement/link.ts';

/**
 * Whether Collect takes a link that no execution works on, fences aside. The deployed selection is SQL (postgres/ledger/due.ts),
 * which a property test compares with this.
 */
export function takes(
  { dirty, rereadDue, push }: Pick<Link, 'dirty' | 'rereadDue' | 'push'>,
  {
    collectsOpen = true,
    collectsRereads = true,
  }: { readonly collectsOpen?: boolean; readonly collectsRereads?: boolean } = {},
): boolean {
  return dirty || (rereadDue && collectsRereads) || (push !== undefined && collectsOpen);
}
