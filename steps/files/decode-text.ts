/**
 * The text of a file in UTF-8. A byte that belongs to no character becomes half of a surrogate pair, which no text in UTF-8 has:
 * the one value in which it stands is rejected then, as any such text is (core/mapping/canonical.ts), and its line and its file
 * are read. The usual replacement character could be the record's own.
 */
import { isUtf8 } from 'node:buffer';

const NEWLINE = 0x0a;
/** Byte 0x80 is U+DC80, and so on to 0xFF. */
const FIRST_ESCAPE = 0xdc00;

export function decodeText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline + 1;
    const line = bytes.subarray(start, end);
    text += isUtf8(line) ? line.toString('utf8') : decodeBroken(line);
    start = end;
  }
  return text;
}

function decodeBroken(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const character = bytes.subarray(at, at + length);
    const isWhole = character.length === length && isUtf8(character);
    text += isWhole ? character.toString('utf8') : String.fromCharCode(FIRST_ESCAPE + first);
    at += isWhole ? length : 1;
  }
  return text;
}
