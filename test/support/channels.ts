import { DEFAULT_PATIENCE, type Patience } from '../../alerting/channels/patience.ts';

/** Tries again at once, where a page in earnest would wait. */
export const BRISK: Patience = { ...DEFAULT_PATIENCE, tries: 3, firstPauseMs: 5 };

/** Nobody listens on it: a port below those that are given out. */
export const CLOSED = 'http://127.0.0.1:9';

export const ROUTING_KEY = 'R0UT1NGK3YR0UT1NGK3YR0UT1NGK3Y12';

/** Of a page that nobody calls off. */
export const never = () => new AbortController().signal;
