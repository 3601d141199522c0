/** What happened to a call that got no answer, by Node's or axios' code. */
export function happened(code: unknown, timedOut: boolean): string {
  if (timedOut || code === 'ETIMEDOUT' || code === 'ECONNABORTED') return 'did not answer in time';
  if (code === 'ECONNREFUSED') return 'refuses the connection';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EDNS')
    return 'has a host name that is not known';
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_BAD_RESPONSE')
    return 'broke off in mid-answer';
  return 'cannot be reached';
}
