import { redactor } from '../alerting/redact.ts';

/** Fields whose value is a secret, whatever it looks like. */
const SECRET_FIELD = /^(url|.*password|passwd|.*token|.*secret|api_?key|authorization|cookie)$/i;

/** What people can be reached by, and what PostgreSQL quotes of a row when it complains (R17). */
const PERSONAL: readonly (readonly [RegExp, string])[] = [
  [/\+\d[\d ().-]{5,18}\d/g, '+***'],
  [/[\w.%+-]+@(?=[\w-]+(\.[\w-]+)+)/g, '***@'],
  [/(Key \([^)]*\))=\([^\n]*\)/g, '$1=(***)'],
  [/(Failing row contains )\([^\n]*\)/g, '$1(***)'],
  [/(invalid input (?:syntax|value) for [\w ]+: )"[^\n]*"/g, '$1"***"'],
  [/((?:field )?value out of range: )"[^\n]*"/g, '$1"***"'],
  [/(value )"[^\n]*"( is out of range)/g, '$1"***"$2'],
];

/**
 * What takes out of a line of the log whatever nobody may read there: in messages, texts of errors and fields, however
 * deep. The line stays JSON.
 * @param secrets that are known by their value
 */
export function lineRedactor(secrets: Iterable<string>): (line: string) => Record<string, unknown> {
  const redact = redactor(secrets);
  const clean = (text: string) =>
    PERSONAL.reduce((shown, [shape, instead]) => shown.replaceAll(shape, instead), redact(text));
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string') return clean(value);
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        name,
        SECRET_FIELD.test(name) ? '[secret]' : walk(inner),
      ]),
    );
  };
  return (line) => walk(JSON.parse(line)) as Record<string, unknown>;
}
