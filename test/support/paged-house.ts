import { afterAll, beforeAll, beforeEach, onTestFailed } from 'vitest';
import type { Deps } from '../../activities/deps.ts';
import { openHouse, type House } from './house.ts';
import { connectCallbacks, pagingBy } from './paging.ts';
import { putOnCall } from './recorded-pages.ts';
import { SmtpStub } from './smtp.ts';
import { TwilioStub } from './twilio.ts';
import { unguarded } from './unguarded.ts';

export interface PagedHouseOptions {
  /** Its on-call.yaml. */
  readonly onCall: string;
  /** False where Twilio calls nobody back: what became of a page is then asked for. */
  readonly callbacks: boolean;
}

/** A house whose people are reached by SMS and mail, and what its worker's steps work with. */
export interface PagedHouse {
  readonly house: House;
  readonly twilio: TwilioStub;
  readonly smtp: SmtpStub;
  readonly deps: Deps;
}

/** One for all tests of a file; alerts of one test make no storm with those of the next. */
export function sharePagedHouse({ onCall, callbacks }: PagedHouseOptions): () => PagedHouse {
  let paged: PagedHouse | undefined;
  const here = () => {
    if (!paged) throw new Error('the house is opened before the first test');
    return paged;
  };
  beforeAll(async () => {
    const [twilio, smtp] = [await TwilioStub.start(), await SmtpStub.start()];
    const { sms, ...paging } = pagingBy(twilio);
    const deaf = { sms: sms && { ...sms, statusCallback: undefined, canReply: false }, callbacks: undefined };
    const email = { smtpUrl: smtp.url, from: 'nights@example.com' };
    const house = await openHouse({ paging: { ...paging, sms, email, ...(!callbacks && deaf) } });
    await putOnCall(house, onCall);
    await house.startWorker((deps) => {
      paged = { house, twilio, smtp, deps };
      return deps;
    });
    if (callbacks) connectCallbacks(house, twilio);
  });
  afterAll(async () => {
    await paged?.house[Symbol.asyncDispose]();
    await paged?.smtp[Symbol.asyncDispose]();
    await paged?.twilio[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    const { house } = here();
    onTestFailed(() => void process.stderr.write(`${house.lines.slice(-40).join('')}\n`));
    await unguarded(house.database, `update nighttrain.alert_event set at = at - interval '1 hour'`);
  });
  return here;
}
