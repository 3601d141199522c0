import { bytesOf, MOST_CARRIED_BYTES, type PendingRequest } from '../rules/pending-request.ts';

/** What `control` was asked for and has not begun with, in the order of arrival. */
export class WaitingRequests {
  readonly #requests: PendingRequest[] = [];
  #bytes = 0;

  add(request: PendingRequest): void {
    this.#requests.push(request);
    this.#bytes += bytesOf(request);
  }

  /** The one that came first. */
  take(): PendingRequest | undefined {
    const first = this.#requests.shift();
    if (first) this.#bytes -= bytesOf(first);
    return first;
  }

  get isEmpty(): boolean {
    return this.#requests.length === 0;
  }

  /** Whether the next run can be handed all of them. */
  get canBeCarried(): boolean {
    return this.#bytes <= MOST_CARRIED_BYTES;
  }

  get all(): readonly PendingRequest[] {
    return this.#requests;
  }
}
