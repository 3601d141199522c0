import { setTimeout as wait } from 'node:timers/promises';
import { describe } from '../../rules/errors.ts';
import { inTime } from '../in-time.ts';
import type { Spool } from '../alarm/spool.ts';
import { readWatchAck } from './watch-ack.ts';
import { beginCall, goOn, pagedAmong, sayOver, type CallParts } from './watch-calls.ts';
import type { WatchJournal } from './watch-journal.ts';
import {
  idOf,
  isOn,
  isUnanswered,
  judge,
  QUIET,
  type Call,
  type Seen,
  type Trouble,
  type WatchState,
} from './watch-state.ts';

/** Something that is looked at, over and over. */
export interface Check {
  readonly name: string;
  readonly ask: () => Promise<Seen>;
}

export interface WatchdogParts extends CallParts {
  readonly checks: readonly Check[];
  /** Looks in a row that must find something before it is believed. */
  readonly looksInARow: number;
  readonly everyMs: number;
  readonly spool: Spool;
  readonly journal: WatchJournal;
  /** The file by which somebody acknowledges. */
  readonly ackFile: string;
  /** Called beside each look. */
  readonly beat: () => Promise<void>;
}

/** A check that has not answered by then saw nothing. */
const LONGEST_CHECK_MS = 20_000;
/** What waits in the spool for longer than three sweeps take is paged by us: nobody takes it over. */
const LONGEST_IN_SPOOL_MS = 3 * 60_000;

/** Somebody who could not be told that it is over is told again after this, for an hour. */
const SAY_AGAIN_MS = 60_000;
const LONGEST_SAYING_MS = 60 * 60_000;

/**
 * Looks at everything that nights need, over and over; needs none of it to work. What several looks in a row have found
 * goes into the spool, from which a worker takes it over and has people paged. Where no worker can, the watchdog pages
 * by itself, level after level, until somebody acknowledges; and says when it is over.
 */
export class Watchdog {
  /** What each check saw last. */
  readonly seen = new Map<string, Seen>();
  /** When the last look ended, milliseconds since the epoch. */
  lookedAt: number | undefined;
  state: WatchState = QUIET;
  readonly #parts: WatchdogParts;

  constructor(parts: WatchdogParts) {
    this.#parts = parts;
  }

  /** Looks until it is stopped. One look that breaks ends nothing, but keeps the dead-man URL from being called. */
  async watch(stop: AbortSignal): Promise<void> {
    this.state = await this.#parts.journal.read();
    let wentWell = true;
    while (!stop.aborted) {
      const began = performance.now();
      [wentWell] = await Promise.all([this.#lookOrSay(stop), wentWell ? this.#parts.beat() : undefined]);
      const leftMs = Math.max(0, this.#parts.everyMs - (performance.now() - began));
      await wait(leftMs, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  async #lookOrSay(stop: AbortSignal): Promise<boolean> {
    try {
      await this.look(stop);
      return true;
    } catch (error) {
      if (!stop.aborted) this.#parts.log.fatal({ err: error }, 'a look of the watchdog broke');
      return false;
    }
  }

  /** One look, and all that follows from it. */
  async look(stop: AbortSignal): Promise<void> {
    const { checks, looksInARow, now } = this.#parts;
    await Promise.all(checks.map(async (check) => this.seen.set(check.name, await this.#ask(check))));
    if (stop.aborted) return;
    const before = this.state.troubles;
    const troubles = judge(before, this.seen, { at: this.#at(), looksInARow });
    this.#sayWhatIsNew(before, troubles);
    await this.#change({ troubles });
    await this.#spool();
    await this.#beginCalls();
    await this.#endAcknowledged();
    await Promise.all(this.state.calls.map((call) => this.#goOn(call, stop)));
    await this.#endWhatIsOver(stop);
    this.lookedAt = now();
  }

  async #ask({ name, ask }: Check): Promise<Seen> {
    try {
      return await inTime(ask, LONGEST_CHECK_MS);
    } catch (error) {
      this.#parts.log.error({ check: name, error: describe(error) }, 'a check could not be made');
      return { is: 'unknown' };
    }
  }

  #sayWhatIsNew(before: readonly Trouble[], after: readonly Trouble[]): void {
    const { log, onCall } = this.#parts;
    const known = new Set(before.filter(({ confirmed }) => confirmed).map(idOf));
    for (const trouble of after.filter((one) => isOn(one) && !known.has(idOf(one)))) {
      const { rule, dataset, businessDate, sentence } = trouble.finding;
      const isAnybodyPaged = pagedAmong([trouble], onCall()).length > 0;
      log.error({ rule, dataset, businessDate, looks: trouble.looks, isAnybodyPaged }, sentence);
    }
  }

  /** Whatever is believed is for the archive, sooner or later. */
  async #spool(): Promise<void> {
    for (const trouble of this.state.troubles.filter((one) => isOn(one) && !one.isSpooled)) {
      const { confirmed, finding, since, seen } = trouble;
      if (!confirmed) continue;
      try {
        await this.#parts.spool.keep({ occurrence: confirmed.occurrence, foundAt: since, finding, seen });
        await this.#changeTrouble(trouble, { isSpooled: true });
      } catch (error) {
        this.#parts.log.error(
          { rule: finding.rule, error: describe(error) },
          'a finding could not be spooled',
        );
      }
    }
  }

  /** Pages about what nobody else pages about; what the archive has taken from the spool is the archive's. */
  async #beginCalls(): Promise<void> {
    const { now, onCall } = this.#parts;
    const isPathBroken = this.state.troubles.some((one) => isOn(one) && one.breaksThePath);
    if (!isPathBroken) {
      for (const trouble of this.state.troubles.filter((one) => isOn(one) && one.isSpooled)) {
        if (!(await this.#waits(trouble))) await this.#changeTrouble(trouble, { told: 'archive' });
      }
    }
    const ours = this.state.troubles.filter(
      (one) =>
        isOn(one) &&
        one.told === 'nobody' &&
        (isPathBroken || !one.isSpooled || now() - Date.parse(one.confirmed?.at ?? '') > LONGEST_IN_SPOOL_MS),
    );
    const paged = pagedAmong(ours, onCall());
    if (paged.length === 0) return;
    const ids = new Set(paged.map(idOf));
    await this.#change({
      troubles: this.state.troubles.map((one) => (ids.has(idOf(one)) ? { ...one, told: 'people' } : one)),
      // That an earlier trouble is over is no news any more to whoever could not be told so.
      calls: [...this.state.calls.filter(({ ending }) => !ending), beginCall(paged, this.#at())],
    });
  }

  async #waits({ confirmed }: Trouble): Promise<boolean> {
    return confirmed !== undefined && (await this.#parts.spool.waits(confirmed.occurrence));
  }

  async #endAcknowledged(): Promise<void> {
    const { log, ackFile } = this.#parts;
    const unanswered = this.state.calls.filter(isUnanswered);
    const ack = unanswered.length > 0 ? await readWatchAck(ackFile) : undefined;
    for (const call of unanswered) {
      if (ack && Date.parse(ack.at) >= Date.parse(call.startedAt)) {
        for (const trouble of this.#of(call))
          await this.#changeTrouble(trouble, { seen: ack, isSpooled: false });
        await this.#spool();
        await this.#changeCall(call, { state: 'acknowledged' });
        log.info({ by: ack.by, rule: call.finding.rule }, 'the page of the watchdog is acknowledged');
      } else if (this.#of(call).every(({ told }) => told === 'archive')) {
        await this.#changeCall(call, { state: 'handed over' });
      }
    }
  }

  async #goOn(call: Call, stop: AbortSignal): Promise<void> {
    if (call.state !== 'calling' || !this.#of(call).some(isOn)) return;
    await goOn(this.#parts, call, (changed) => this.#changeCall(call, changed), stop);
  }

  /** The archive is told, then the people. Whoever is stopped in between does it again. */
  async #endWhatIsOver(stop: AbortSignal): Promise<void> {
    for (const trouble of this.state.troubles.filter(({ overAt }) => overAt !== undefined)) {
      await this.#spoolOver(trouble);
      const id = idOf(trouble);
      await this.#change({
        troubles: this.state.troubles.filter((one) => idOf(one) !== id),
        calls: this.state.calls.map((call) =>
          call.troubles.includes(id)
            ? {
                ...call,
                troubles: call.troubles.filter((one) => one !== id),
                over: [...call.over, overSentence(trouble)],
              }
            : call,
        ),
      });
    }
    for (const call of this.state.calls.filter(({ troubles }) => troubles.length === 0))
      await this.#end(call, stop);
  }

  /** Says that a call is over, again until everybody who was told of it has heard; for so long, and no longer. */
  async #end(call: Call, stop: AbortSignal): Promise<void> {
    const { now, log } = this.#parts;
    const { since, saidAt } = call.ending ?? { since: this.#at(), saidAt: undefined };
    if (saidAt !== undefined && now() - Date.parse(saidAt) < SAY_AGAIN_MS) return;
    await this.#changeCall(call, { ending: { since, saidAt: this.#at() } });
    const unheard = await sayOver(this.#parts, call, (told) => this.#changeCall(call, { told }), stop);
    if (stop.aborted) return; // the next watchdog says it
    const isTooLate = now() - Date.parse(since) > LONGEST_SAYING_MS;
    if (unheard.length > 0 && !isTooLate) return;
    if (unheard.length > 0)
      log.error(
        { people: unheard.map(({ person }) => person), over: call.over },
        'they never heard that it is over',
      );
    await this.#change({ calls: this.state.calls.filter(({ callId }) => callId !== call.callId) });
  }

  async #spoolOver({ confirmed, finding, since, seen, overAt, isSpooled }: Trouble): Promise<void> {
    if (!confirmed || !(isSpooled || seen)) return;
    const { spool, log } = this.#parts;
    try {
      await spool.keep({ occurrence: confirmed.occurrence, foundAt: since, finding, seen, overAt });
      log.info({ rule: finding.rule, dataset: finding.dataset }, `it is over: ${finding.sentence}`);
    } catch (error) {
      log.error({ rule: finding.rule, error: describe(error) }, 'the archive will not hear that it is over');
    }
  }

  #of({ troubles }: Call): Trouble[] {
    const ids = new Set(troubles);
    return this.state.troubles.filter((trouble) => ids.has(idOf(trouble)));
  }

  async #changeTrouble(trouble: Trouble, changes: Partial<Trouble>): Promise<void> {
    const id = idOf(trouble);
    await this.#change({
      troubles: this.state.troubles.map((one) => (idOf(one) === id ? { ...one, ...changes } : one)),
    });
  }

  async #changeCall({ callId }: Call, changes: Partial<Call>): Promise<void> {
    await this.#change({
      calls: this.state.calls.map((one) => (one.callId === callId ? { ...one, ...changes } : one)),
    });
  }

  async #change(changes: Partial<WatchState>): Promise<void> {
    const before = JSON.stringify(this.state);
    this.state = { ...this.state, ...changes };
    if (JSON.stringify(this.state) !== before) await this.#parts.journal.keep(this.state);
  }

  #at(): string {
    return new Date(this.#parts.now()).toISOString();
  }
}

function overSentence({ finding, since, overAt }: Trouble): string {
  const minutes = Math.ceil((Date.parse(overAt ?? since) - Date.parse(since)) / 60_000);
  return `${finding.sentence} (for ${minutes} min)`;
}
