/** Shorter ones would hide ordinary words. */
const SHORTEST_SECRET = 6;

/** What looks like a secret or a number of a person, whoever wrote it (R17). */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/(:\/\/[^\s/:@]*):[^\s/@]+@/g, '$1:***@'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, '$1 ***'],
  [/((?:password|passwd|token|secret|api[_-]?key)["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s"',;}]+)/gi, '$1***'],
  [/\+\d{5,12}(?=\d{3}\b)/g, '+***'],
];

/** What takes secrets out of a line: those that are known, and whatever looks like one. */
export function redactor(secrets: Iterable<string>): (line: string) => string {
  // The longest first: one may begin with another.
  const known = [...new Set(secrets)]
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length);
  return (line) => {
    let shown = line;
    for (const secret of known) shown = shown.replaceAll(secret, '***');
    for (const [shape, instead] of SHAPES) shown = shown.replaceAll(shape, instead);
    return shown;
  };
}
