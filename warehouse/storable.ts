/**
 * Text that PostgreSQL takes: it refuses NUL, shown as U+2400 instead, and half a surrogate pair, shown as U+FFFD.
 * What landed keeps the bytes as they came.
 */
export function storableText(text: string): string {
  return text.replaceAll('\0', '\u2400').toWellFormed();
}

/** A value as text that PostgreSQL takes as jsonb. */
export function toJsonb(value: unknown): string {
  const storable = (_key: string, part: unknown): unknown =>
    typeof part === 'string' ? storableText(part) : part;
  return JSON.stringify(value, storable) ?? 'null';
}
