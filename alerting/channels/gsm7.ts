/**
 * What an SMS costs and holds. GSM 03.38: seven bits a character, 160 in one message, 153 in each segment of a longer
 * one; whatever the alphabet lacks makes the whole message UCS-2, with 70 and 67.
 */
const BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿' +
  'abcdefghijklmnopqrstuvwxyzäöñüà';
/** Each is an escape and a character: two of the 153. */
const EXTENSION = '^{}\\[~]|€';

const WIDTHS: ReadonlyMap<string, number> = new Map([
  ...Array.from(BASIC, (char) => [char, 1] as const),
  ...Array.from(EXTENSION, (char) => [char, 2] as const),
]);

/** What says the same in characters that the alphabet has. */
const INSTEAD: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '‘’‚‛′`´': "'",
    '“”„‟″«»': '"',
    '‐‑‒–—―−': '-',
    '…': '...',
    '•·': '*',
    '→': '->',
    '←': '<-',
    '×': 'x',
    '≤': '<=',
    '≥': '>=',
    '≠': '!=',
    '≈': '~',
    Łł: 'l',
    Đđ: 'd',
    ı: 'i',
    Œœ: 'oe',
    '\u00ad\u200b\u200c\u200d\u2060\ufeff': '',
  }).flatMap(([chars, instead]) => [...chars].map((char) => [char, instead] as const)),
);

/** The text in GSM-7's alphabet where nothing is lost by it but typography and accents; undefined otherwise. */
export function toGsm7(text: string): string | undefined {
  let folded = '';
  for (const char of text.normalize('NFC')) {
    const known = WIDTHS.has(char) ? char : foldedChar(char);
    if (known === undefined) return undefined;
    folded += known;
  }
  return folded;
}

function foldedChar(char: string): string | undefined {
  const instead = INSTEAD.get(char);
  if (instead !== undefined) return /\p{Lu}/u.test(char) ? instead.toUpperCase() : instead;
  if (/\s/u.test(char)) return ' ';
  const bare = char.normalize('NFD').replaceAll(/\p{M}/gu, '');
  return bare !== '' && [...bare].every((one) => WIDTHS.has(one)) ? bare : undefined;
}

/**
 * How many segments a text is sent in, as it stands. A character of two units is never cut in half: where one is left
 * over, it begins the next segment.
 */
export function segmentsOf(text: string): number {
  const chars = [...text];
  const isGsm7 = chars.every((char) => WIDTHS.has(char));
  const widths = chars.map((char) => (isGsm7 ? (WIDTHS.get(char) ?? 1) : char.length));
  const [alone, each] = isGsm7 ? [160, 153] : [70, 67];
  if (widths.reduce((sum, width) => sum + width, 0) <= alone) return 1;
  let segments = 1;
  let used = 0;
  for (const width of widths) {
    if (used + width > each) {
      segments += 1;
      used = 0;
    }
    used += width;
  }
  return segments;
}
