/** Returns once the clock shows another millisecond: what the server stamps from now on differs from what it has stamped, also as a Date. */
export function aMillisecondLater(): void {
  const now = Date.now();
  while (Date.now() === now);
}
