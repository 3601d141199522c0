import type { Page } from './channel.ts';
import { segmentsOf, toGsm7 } from './gsm7.ts';

/** A page that comes in three parts comes in the wrong order, or not at all. */
const MOST_SEGMENTS = 2;
/** Less of the sentence than this says nothing; the link, then the runbook make room for it. */
const LEAST_OF_SENTENCE = 60;

/** The command that acknowledges, for a sender that receives no replies. */
export const ackCommand = (code: number | undefined): string =>
  code === undefined ? 'npx nighttrain watchdog ack' : `npx nighttrain alert ack ${code}`;

/** The one line that names the night and says what happened, the figure that matters included. */
export function headline(page: Page): string {
  const { dataset, businessDate } = page;
  const sentence = oneLine(page.sentence);
  const night = [dataset, businessDate].filter((part) => part !== null);
  const namesNight = night.every((part) => sentence.slice(0, 80).includes(part));
  const figure = figureOf(page);
  return [
    namesNight ? '' : `${night.join(' of ')}: `,
    figure === undefined || says(sentence, figure) ? '' : `${figure}. `,
    sentence,
  ].join('');
}

/** A `3` may stand in a sentence for anything; `475` or `51.1 %` is the same figure. */
const LEAST_TELLING = 3;

/** Whether a sentence has the figure already, in its words or in others: `(51.1 %)` early enough not to be cut. */
function says(sentence: string, figure: string): boolean {
  if (sentence.includes(figure)) return true;
  const [number] = /\d[\d.,]*(?: %)?/.exec(figure) ?? [];
  if (number === undefined || number.length < LEAST_TELLING) return false;
  const at = ` ${sentence.slice(0, 90)} `.split(number);
  return at.slice(1).some((after, index) => !/[\d.-]$/.test(at[index] ?? '') && !/^[\d-]|^\.\d/.test(after));
}

/** The figure that matters, as a person reads it, where the finding has one. */
function figureOf({ facts }: Page): string | undefined {
  const figure = facts['number'];
  return typeof figure === 'string' && figure.length <= 60 ? oneLine(figure) : undefined;
}

/**
 * A page as an SMS, in two segments at most, GSM-7 where the text allows. What is too long is cut in the sentence:
 * night, figure and the way to acknowledge are always whole.
 * @param canReply whether what is replied to the sender reaches us: in many countries nothing does
 */
export function smsText(page: Page, { canReply }: { readonly canReply: boolean }): string {
  const text = headline(page);
  if (page.isOver) return fitted('', text, '').text.trimEnd();
  const ack =
    canReply && page.code !== undefined
      ? `Reply ACK ${page.code}`
      : `To acknowledge: ${ackCommand(page.code)}`;
  const link = canReply || page.ackLink === undefined ? undefined : `or ${page.ackLink}`;
  const runbook = `Runbook ${page.runbook}.`;
  const tails = [[runbook, ack, link], [runbook, ack], [ack]].map((parts) =>
    parts.filter((part) => part !== undefined && part !== 'Runbook .').join(' '),
  );
  const head = `${page.severity.toUpperCase()} `;
  const wanted = Math.min(text.length, LEAST_OF_SENTENCE);
  const texts = tails.map((tail) => fitted(head, text, tail));
  const best = texts.find(({ kept }) => kept >= wanted) ?? texts.at(-1);
  return best?.text ?? ack;
}

/** As much of the middle as fits between head and tail. @returns also how many characters of it were kept */
function fitted(head: string, middle: string, tail: string): { text: string; kept: number } {
  const worded = (text: string) => inAlphabet(`${head}${text} ${tail}`);
  const full = worded(withStop(middle));
  if (segmentsOf(full) <= MOST_SEGMENTS) return { text: full, kept: middle.length };
  const chars = [...middle];
  let [fits, tooLong] = [0, chars.length];
  while (tooLong - fits > 1) {
    const half = Math.floor((fits + tooLong) / 2);
    if (segmentsOf(worded(cut(chars, half))) <= MOST_SEGMENTS) fits = half;
    else tooLong = half;
  }
  return { text: worded(cut(chars, fits)), kept: fits };
}

const cut = (chars: readonly string[], length: number): string =>
  `${chars.slice(0, length).join('').trimEnd()}...`;

const withStop = (sentence: string): string => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`);

const inAlphabet = (text: string): string => toGsm7(text) ?? text;

/** One line without control characters, and without half a surrogate pair. */
function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}

/** A page where there is room for all of it: mail, chat. */
export function pageLines(page: Page): readonly string[] {
  if (page.isOver) return [headline(page)];
  const facts = Object.entries(page.facts).filter(([name]) => name !== 'number');
  return [
    headline(page),
    '',
    `Acknowledge: ${ackCommand(page.code)}`,
    ...(page.ackLink === undefined ? [] : [`         or: ${page.ackLink}`]),
    `Runbook:     npx nighttrain runbook show ${page.runbook}`,
    ...facts.slice(0, MOST_FACTS).map(([name, value]) => `${name}: ${shortened(value)}`),
  ];
}

/** More is in the archive: `alert show`. */
const MOST_FACTS = 20;
const LONGEST_FACT = 300;

function shortened(value: unknown): string {
  const text = oneLine(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
  return text.length > LONGEST_FACT ? `${text.slice(0, LONGEST_FACT).toWellFormed()}...` : text;
}
