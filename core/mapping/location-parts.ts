/** The two numbers of a geolocation, or of an address. They are fields like others, but make one place: a push of one brings the other. */

const PART = /^(\w*?)(latitude|longitude)(__s)?$/i;

/** The name of the other one; undefined: the field is none of the two. */
export function otherOfLocation(field: string): string | undefined {
  const [, place = '', part = '', end = ''] = PART.exec(field) ?? [];
  if (part === '' || (end !== '' && !place.endsWith('__'))) return undefined;
  const other = part.toLowerCase() === 'latitude' ? 'Longitude' : 'Latitude';
  const cased = part === part.toLowerCase() ? other.toLowerCase() : other;
  return `${place}${cased}${end}`;
}
