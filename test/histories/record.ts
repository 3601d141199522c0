/**
 * Records the histories of workflow types and endings that are not there yet, for `replay.test.ts`: `npm run histories`.
 * A story that is meant to change gets a name of its own, and the old one stays for as long as nights of it may be in
 * flight. One that nobody's night can be in any more is recorded anew by its name: `HISTORIES='sweep' npm run histories`.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { temporal } from '@temporalio/proto';
import type { WorkflowHandle } from '@temporalio/client';
import { expect, test } from 'vitest';
import type { Dataset } from '../../rules/dataset.ts';
import { CONTROL_ID, TASK_QUEUE } from '../../workflows/messages.ts';
import { clients, fares, tickets } from '../support/datasets.ts';
import { endingOf } from '../support/ending.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse, type House } from '../support/house.ts';
import { dayOf, until } from '../support/intake.ts';
import { alertOf, putOnCall, RecordingChannel, startPaging } from '../support/recorded-pages.ts';
import { MANY_PARTS, putParts, startSlowly } from '../support/slow-part.ts';

const schedule = { at: '12:00', dueBy: '11:59', timeZone: 'UTC', cadence: 'daily', after: [] } as const;
const scheduled: Dataset = { ...fares, schedule };

/** The names of those that are to be recorded anew, and have not been yet. */
const anew = new Set((process.env['HISTORIES'] ?? '').split(/[\s,]+/).filter(Boolean));

test('the histories are recorded', async () => {
  await using house = await openHouse({ datasets: [scheduled] });
  const worker = await house.startWorker();
  const day = (number: number) => `2024-10-0${number}`;
  const put = (number: number, counts: Parameters<typeof fareLines>[1]) =>
    house.put('fares', `${day(number)}.csv`, fareLines(day(number), counts));

  await put(1, { good: 3 });
  await house.run('fares', day(1));
  await keep('load-day-loaded', house.load('fares', day(1)));
  await keep('load-day-small-loaded', house.load('fares', day(1)));
  await house.run('fares', day(1));
  await keep('load-day-already-loaded', house.load('fares', day(1)));

  await put(2, { good: 1, bad: 3 });
  await house.run('fares', day(2));
  await keep('load-day-refused', house.load('fares', day(2)));
  await keep('load-day-small-refused', house.load('fares', day(2)));

  await house.run('fares', day(3)); // no file, now or at the second try
  await keep('load-day-retried-and-failed', house.load('fares', day(3)));

  await put(4, { good: 3 });
  const cancelled = house.wire.hold('COMMIT');
  await house.start('fares', day(4));
  await cancelled;
  await house.load('fares', day(4)).cancel();
  await endingOf(house.load('fares', day(4)));
  await keep('load-day-cancelled', house.load('fares', day(4)));
  await keep('load-day-small-cancelled', house.load('fares', day(4)));

  await put(5, { good: 3 });
  const held = house.wire.hold('COMMIT');
  const taken = await house.start('fares', day(5));
  await held;
  const { runId } = await taken.describe();
  await house.replay('fares', day(5), { takeOver: true });
  await keep('load-day-taken-over', house.load('fares', day(5), runId));
  await keep('load-day-small-taken-over', house.load('fares', day(5), runId));
  await keep('load-day-replayed', house.load('fares', day(5)));

  await put(6, { good: 3 });
  await keep('nightly-loaded', await nightOf(house, '2024-10-07T12:00:00Z'));
  await keep('nightly-refused', await nightOf(house, '2024-10-03T12:00:00Z'));
  await house.client.workflow.execute('sweep', {
    workflowId: 'sweep/recorded',
    taskQueue: TASK_QUEUE,
    args: [{ of: 'nights' }],
  });
  await keep('sweep', house.client.workflow.getHandle('sweep/recorded'));
  await house.signal('replayDay', { dataset: 'nobody' });
  await house.signal('who knows', 1);
  await house.signal('coldReboot', { requestId: 'reboot', requestedBy: 'test', reason: 'recorded' });
  expect(await house.answerTo('reboot')).toMatchObject({ state: 'started' });
  await keep('control-running', house.client.workflow.getHandle(CONTROL_ID));

  const { runId: full } = await house.client.workflow.getHandle(CONTROL_ID).describe();
  await worker.stop();
  for (let signals = 0; signals < 3; signals++) await house.signal('replayDay', 'x'.repeat(1_500_000));
  await house.signal('replayDay', house.replayPayload('fares', day(1), { requestId: 'pending' }));
  await house.signal('who knows', 2);
  await house.startWorker();
  expect(await house.answerTo('pending')).toMatchObject({ state: 'started' });
  await endingOf(house.load('fares', day(1)));
  await keep('control-continued-as-new', house.client.workflow.getHandle(CONTROL_ID, full));
  await keep('control-carried-over', house.client.workflow.getHandle(CONTROL_ID));
});

test('the histories of nights that are sorted while they are copied are recorded', async () => {
  await using house = await openHouse({ datasets: [fares] });
  await house.startWorker();
  const day = (number: number) => `2024-10-1${number}`;
  const put = (number: number, counts: Parameters<typeof fareLines>[1]) =>
    house.put('fares', `${day(number)}.csv.gz`, gzipSync(`${fareLines(day(number), counts).join('\n')}\n`)); // no small night

  await put(1, { good: 3 });
  expect(await house.run('fares', day(1))).toMatchObject({ state: 'loaded' });
  await keep('load-day-sorted-in-load-loaded', house.load('fares', day(1)));

  await put(2, { good: 1, bad: 3 });
  expect(await house.run('fares', day(2))).toMatchObject({ state: 'refused' });
  await keep('load-day-sorted-in-load-refused', house.load('fares', day(2)));

  await put(3, { good: 3 });
  const held = house.wire.hold('COMMIT');
  await house.start('fares', day(3));
  await held;
  await house.load('fares', day(3)).cancel();
  await endingOf(house.load('fares', day(3)));
  await keep('load-day-sorted-in-load-cancelled', house.load('fares', day(3)));
});

test('the history of a night is recorded of which one part is broken while another is at work', async () => {
  await using house = await openHouse({ datasets: [clients] });
  await startSlowly(house, '2024-10-21');
  await putParts(house, '2024-10-21', MANY_PARTS, ',"');
  expect(await house.run('clients', '2024-10-21')).toMatchObject({ error: { name: 'SourceBroken' } });
  await keep('load-day-part-broken', house.load('clients', '2024-10-21'));
  await keep('load-day-part-broken-others-awaited', house.load('clients', '2024-10-21'));
});

test('the histories of nights that never came to an attempt are recorded', async () => {
  const late: Dataset = { ...fares, schedule: { ...schedule, after: ['tickets'] } };
  await using house = await openHouse({ datasets: [late, tickets] });
  await house.startWorker();
  expect(await house.run('nobody', '2024-10-08')).toMatchObject({ state: 'failed' });
  await keep('load-day-never-taken-over', house.load('nobody', '2024-10-08'));
  await keep('nightly-waited-in-vain', await nightOf(house, '2024-10-09T12:00:00Z'));
});

test('the histories of escalations are recorded', async () => {
  await using house = await openHouse({ datasets: [] });
  const person = (name: string) =>
    `  ${name}: { name: ${name}, channels: [{ sms: '+3360000000${name.length}' }] }\n`;
  const levels = ['ana', 'bo'].map((name) => `  - { people: [${name}], timeoutMinutes: 0.02 }\n`).join('');
  await putOnCall(house, `people:\n${person('ana')}${person('bo')}levels:\n${levels}rounds: 1\n`);
  const sms = new RecordingChannel('sms');
  const { alarm } = await startPaging(house, { sms });
  const finding = { rule: 'night-failed', dataset: 'fares', businessDate: dayOf('2024-10-01') } as const;
  const raise = async (subject: string) => {
    await alarm.raise({ ...finding, subject, sentence: 'It was not loaded' });
    const { alertId } = await alertOf(house, finding.rule, subject);
    return { alertId, handle: house.client.workflow.getHandle(`alert/${alertId}`) };
  };

  const answered = await raise('answered');
  await sms.paged(answered.alertId, '+33600000002');
  await answered.handle.signal('acknowledge', { by: 'bo' });
  await answered.handle.result();
  await keep('escalation-answered', answered.handle);

  const again = await raise('fires again');
  await sms.paged(again.alertId, '+33600000003');
  await alarm.resolve({ ...finding, subject: 'fires again' }, 'recorded');
  await raise('fires again');
  await until(() => sms.to(again.alertId).filter((address) => address === '+33600000003').length > 1);
  await alarm.resolve({ ...finding, subject: 'fires again' }, 'recorded');
  await again.handle.result();
  await keep('escalation-fired-again', again.handle);

  const exhausted = await raise('exhausted');
  expect(await exhausted.handle.result()).toBe('exhausted');
  await keep('escalation-exhausted', exhausted.handle);
});

test('every history that was named is recorded anew', () => {
  expect([...anew], 'no history has such a name').toEqual([]);
});

/** The night that the schedule starts for a slot, at its end. */
async function nightOf(house: House, slot: string): Promise<WorkflowHandle> {
  const at = new Date(slot);
  await house.client.schedule
    .getHandle('nighttrain/fares')
    .backfill({ start: at, end: at, overlap: 'ALLOW_ALL' });
  const handle = house.client.workflow.getHandle(`nightly/fares-${slot}`);
  await until(async () => (await handle.describe().catch(() => undefined)) !== undefined, 20_000);
  await endingOf(handle);
  return handle;
}

/**
 * Keeps a history that is not there yet or is wanted anew, without what only this machine knows: stack traces, process
 * names, the house's folder; and without what only fills it.
 */
async function keep(name: string, handle: WorkflowHandle): Promise<void> {
  const file = join(import.meta.dirname, `${name}.history`);
  if (!anew.delete(name) && existsSync(file)) return;
  const history = temporal.api.history.v1.History.encode(await handle.fetchHistory()).finish();
  const told = anonymous(
    temporal.api.history.v1.History.toObject(temporal.api.history.v1.History.decode(history)),
  );
  const kept = temporal.api.history.v1.History.fromObject(told as Record<string, unknown>);
  await writeFile(file, temporal.api.history.v1.History.encode(kept).finish());
}

const MACHINE = new Set(['stackTrace', 'identity', 'binaryChecksum']);

function anonymous(value: unknown): unknown {
  if (value instanceof Uint8Array)
    return Buffer.from(withoutMachine(Buffer.from(value).toString('latin1')), 'latin1');
  if (typeof value === 'string') return withoutMachine(value);
  if (Array.isArray(value)) return value.map(anonymous);
  if (typeof value !== 'object' || value === null || 'unsigned' in value) return value; // 64 bits
  const fields = Object.entries(value).map(([name, field]) => [
    name,
    MACHINE.has(name) ? '' : anonymous(field),
  ]);
  return Object.fromEntries(fields) as unknown;
}

function withoutMachine(text: string): string {
  return text
    .replaceAll(/\/[\w./-]*nighttrain-house-\w+/g, '/house')
    .replaceAll(/\d+@[\w-]+/g, 'worker')
    .replaceAll(/x{100,}/g, 'xxx');
}
