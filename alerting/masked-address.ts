/**
 * An address as it may be shown: a number with its country and its last three digits, a mail address with its domain,
 * a webhook with its host (R17). The name of a variable is no secret.
 */
export function maskedAddress(address: string): string {
  if (/\$[A-Z][A-Z0-9_]*$/.test(address)) return address;
  if (/^\+\d+$/.test(address)) return `${address.slice(0, 3)}***${address.slice(-3)}`;
  const url = /\bhttps?:\/\/\S+/.exec(address)?.[0];
  if (url !== undefined) {
    const shown = URL.canParse(url) ? `${new URL(url).origin}/***` : '***';
    return address.replace(url, () => shown);
  }
  const [, first = '', domain] = /^(.)[^@]*(@.+)$/.exec(address) ?? [];
  return domain === undefined ? '***' : `${first}***${domain}`;
}
