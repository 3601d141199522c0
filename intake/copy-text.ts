/**
 * PostgreSQL's COPY text format, one row a line (https://www.postgresql.org/docs/current/sql-copy.html): fields
 * separated by tabs, null as `\N`, and the four characters that would be read as something else escaped. No line
 * can therefore be the end mark `\.`, nor hold a line's end.
 */
const SPECIAL = /[\\\n\r\t]/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The row's line, with its end. */
export function copyLine(values: readonly (string | null)[]): string {
  let line = '';
  for (let index = 0; index < values.length; index++) {
    if (index > 0) line += '\t';
    const value = values[index];
    if (value === null || value === undefined) line += '\\N';
    else
      line += SPECIAL.test(value) ? value.replace(/[\\\n\r\t]/g, (char) => ESCAPES[char] as string) : value;
  }
  return `${line}\n`;
}
