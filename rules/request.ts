/** How far `control` has come with what an operator asked for. */
export type RequestState = 'accepted' | 'refused' | 'started' | 'failed';
