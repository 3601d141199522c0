import { createHash } from 'node:crypto';
import type { LinkedAlert } from './links.ts';

const STYLE = `body{font:18px/1.5 system-ui,sans-serif;max-width:34em;margin:2em auto;padding:0 1em}
button{font:inherit;padding:.7em 1.5em;width:100%}`;

/** Nothing but this one style and this one form: no script, nothing from anywhere else, in nobody's frame. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; '),
  'content-type': 'text/html; charset=utf-8',
  'referrer-policy': 'no-referrer', // the address is the key
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex',
};

/** The page behind a link: looking at it changes nothing, so that whoever previews links acknowledges nothing. */
export function askPage({ severity, sentence, person, code, runbook }: LinkedAlert): string {
  return page(
    `<p><strong>${escaped(severity.toUpperCase())} ${code}</strong></p><p>${escaped(sentence)}</p>` +
      `<form method="post"><button>Acknowledge as ${escaped(person)}</button></form>` +
      `<p>Then: <code>npx nighttrain runbook show ${escaped(runbook)}</code></p>`,
  );
}

/** A page of one sentence. */
export const sayPage = (sentence: string): string => page(`<p>${escaped(sentence)}</p>`);

function page(body: string): string {
  return (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Night Train</title>' +
    `<meta name="viewport" content="width=device-width"><style>${STYLE}</style></head><body>${body}</body></html>`
  );
}

function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replaceAll(/[&<>"']/g, (char) => entities[char] ?? char);
}
