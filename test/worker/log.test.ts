import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { Collector } from '../support/collector.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse } from '../support/house.ts';
import { matching, until } from '../support/intake.ts';

type Line = Readonly<Record<string, unknown>>;
const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as Line);

test('every line of a night names its day, epoch, workflow and run; from the load on also the load', async () => {
  const day = '2024-11-01';
  await using house = await openHouse();
  const worker = await house.startWorkerProcess();
  await house.put('fares', `${day}.csv`, fareLines(day, { good: 10, bad: 1 }));
  const handle = await house.start('fares', day);
  await handle.result();
  await until(() => worker.hasSaid('attempt closed'));

  const { runId } = await handle.describe();
  const lines = parsed(worker.lines).filter(({ step }) => step !== undefined && step !== 'sweepNights');
  const of = { dataset: 'fares', businessDate: day, workflow: `load/fares/${day}`, run: runId };
  const said = lines.filter(({ workflow }) => workflow === of.workflow);
  expect(said.map(({ msg }) => msg)).toEqual(
    expect.arrayContaining(['day taken over', 'landed', 'part staged', 'committed', 'attempt closed']),
  );
  for (const line of said) expect(line).toMatchObject(of);
  expect(said.map(({ epoch }) => typeof epoch)).not.toContain('undefined');
  const [batch] = await house.ask(`select load_id as "loadId" from nighttrain.load_batch`);
  expect(said.find(({ msg }) => msg === 'committed')).toMatchObject({ ...batch });
});

test('what Temporal says of a workflow that failed says by what, and no more of it than our own lines do', async () => {
  const day = '2024-11-05';
  await using house = await openHouse();
  const worker = await house.startWorkerProcess();
  await house.put('fares', `${day}.csv`, fareLines(day, { good: 1, bad: 9 }));
  await expect((await house.start('fares', day)).result()).rejects.toThrow(/failed/);
  await until(() => worker.hasSaid('Workflow failed'));
  const said = parsed(worker.lines).find(({ from, msg }) => from === 'temporal' && msg === 'Workflow failed');
  expect(said?.['error']).toMatchObject({
    type: 'Error', // its name stays behind where the workflow runs
    message: matching(/is refused: 9 of 10 rows are rejected/),
  });
  expect(Object.keys(said?.['error'] ?? {}).toSorted()).toEqual(['message', 'stack', 'type']);
});

test('lines go to the collector of OTEL_EXPORTER_OTLP_ENDPOINT in protobuf, and show there no more than here', async () => {
  const day = '2024-11-02';
  const secret = randomUUID().slice(0, 18);
  await using collector = await Collector.start();
  await using house = await openHouse();
  const worker = await house.startWorkerProcess({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    FREIGHT_API_TOKEN: secret,
  });
  await house.put('fares', `${day}.csv`, fareLines(day, { good: 10 }));
  await (await house.start('fares', day)).result();
  await house.signal('replayDay', house.replayPayload(`+33612345678 ${secret}`, day));
  await until(() => collector.lines.some(({ body }) => body === 'request refused'), 20_000);

  expect(new Set(collector.calls)).toEqual(new Set(['/v1/logs application/x-protobuf']));
  const committed = collector.lines.find(({ body }) => body === 'committed');
  expect(committed).toMatchObject({
    attributes: { dataset: 'fares', businessDate: day, epoch: 2, loaded: 10, step: 'load' },
  });
  expect(committed?.attributes).toMatchObject({
    workflow: `load/fares/${day}`,
    loadId: matching(/^[0-9a-f-]{36}$/),
  });
  expect(
    collector.lines.some(({ attributes }) => attributes['from'] === 'temporal'),
    'the SDK',
  ).toBe(true);
  for (const text of [JSON.stringify(collector.lines), worker.lines.join('\n')]) {
    expect(text).toContain("there is no dataset '+***678 ***'");
    expect(text).not.toContain(secret);
    expect(text).not.toContain('33612345');
  }
  await worker.end('SIGTERM');
  expect(worker.exitCode).toBe(0);
});

test.each(['silent', 'gone'])(
  'a collector that is %s keeps no night from loading, and no worker from ending',
  async (how) => {
    const day = how === 'silent' ? '2024-11-03' : '2024-11-04';
    const collector = await Collector.start({ answers: false });
    await using _ = collector;
    if (how === 'gone') await collector[Symbol.asyncDispose]();
    await using house = await openHouse();
    const worker = await house.startWorkerProcess({
      OTEL_EXPORTER_OTLP_ENDPOINT: how === 'gone' ? 'http://127.0.0.1:9' : collector.url,
    });
    await house.put('fares', `${day}.csv`, fareLines(day, { good: 10 }));
    expect(await house.run('fares', day)).toMatchObject({ state: 'loaded' });
    if (how === 'silent') await until(() => collector.calls.length > 0, 20_000);
    const asked = performance.now();
    await worker.end('SIGTERM');
    expect(worker.exitCode).toBe(0);
    expect(performance.now() - asked).toBeLessThan(12_000);
  },
);
