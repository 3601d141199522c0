import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeSampleInbox } from '../../local/sample-inbox.ts';
import { openInstallation, type TestInstallation } from '../support/installation.ts';

let here: TestInstallation;
/** A project of its own, with people on call. */
let project: string;
let hook: Server;
const hooked: { code?: number; sentence?: string }[] = [];

async function take(request: IncomingMessage): Promise<void> {
  hooked.push(JSON.parse(await text(request)) as { code?: number });
}

beforeAll(async () => {
  here = await openInstallation();
  hook = createServer((request, response) => {
    void take(request).finally(() => response.end('ok'));
  }).listen(0, '127.0.0.1');
  await once(hook, 'listening');
  const { port } = hook.address() as AddressInfo;
  project = await mkdtemp(join(tmpdir(), 'nighttrain-project-'));
  await mkdir(join(project, 'datasets'));
  await writeFile(
    join(project, 'on-call.yaml'),
    [
      'people:',
      `  ada: { name: Ada, channels: [{ webhook: "http://127.0.0.1:${port}/secret-path", as: json }] }`,
      '  grace: { name: Grace, channels: [{ sms: "+33612345678" }] }',
      'levels:',
      '  - { people: [ada], timeoutMinutes: 5 }',
      '  - { people: [grace], timeoutMinutes: 5 }',
      'rounds: 1',
    ].join('\n'),
  );
  await writeSampleInbox(here.inbox, { flights: ['2013-02-08'], lookups: [] });
  await here.up();
});
afterAll(async () => {
  await here[Symbol.asyncDispose]();
  hook.close();
  await rm(project, { recursive: true, force: true });
});

interface Listed {
  readonly code: number;
  readonly rule: string;
  readonly state: string;
}
const list = async (...options: string[]) =>
  (await here.json<{ alerts: Listed[]; inAll: number }>(['alert', 'list', ...options])).alerts;

describe('an alert, from the terminal', () => {
  let code: number;

  test('nothing is open where nothing has happened', async () => {
    expect(await here.run(['alert', 'list'])).toMatchObject({ code: 0, stdout: 'No alert is open.\n' });
  });

  test('a refused night is listed with what happened', async () => {
    await here.run(['run', 'flights', '--date', '2013-02-08']);
    const [alert] = await list();
    expect(alert).toMatchObject({
      rule: 'reject-limit-exceeded',
      severity: 'error',
      state: 'firing',
      dataset: 'flights',
      businessDate: '2013-02-08',
      times: 1,
    });
    code = alert?.code ?? 0;
    const { stdout } = await here.run(['alert', 'list']);
    expect(stdout).toContain('475 of 930 rows are rejected (51.1 %)');
    expect(stdout).toContain('npx nighttrain alert ack');
  });

  test('show tells the figures, its story and the runbook', async () => {
    const { stdout } = await here.run(['alert', 'show', String(code)]);
    expect(stdout).toContain(`Alert ${code}: reject-limit-exceeded, error, firing`);
    expect(stdout).toContain('51.1 % of 930 rows rejected, limit 30 %');
    expect(stdout).toContain('"incomplete":475');
    expect(stdout).toContain('fired by nighttrain');
    expect(stdout).toContain('npx nighttrain runbook show reject-limit-exceeded');
  });

  test('a code that no alert has is said, exit code 1; one that is no number is wrong usage', async () => {
    const all = (...lines: string[][]) => Promise.all(lines.map((line) => here.run(['alert', ...line])));
    for (const answer of await all(['show', '7'], ['ack', '7'], ['resolve', '7', '--reason', 'over'])) {
      expect(answer).toMatchObject({ code: 1, stdout: '' });
      expect(answer.stderr).toContain('There is no alert 7');
    }
    const wrong = [
      ['ack', 'four'],
      ['resolve', String(code)],
      ['resolve', String(code), '--reason', ' '],
    ];
    for (const answer of await all(...wrong)) expect(answer).toMatchObject({ code: 2 });
    expect(await list()).toMatchObject([{ state: 'firing' }]);
  });

  test('ack says whose it is now; the second is told who was first', async () => {
    const first = await here.run(['alert', 'ack', String(code), '--note', 'looking']);
    expect(first).toMatchObject({ code: 0, stdout: `Alert ${code} is yours: nobody else is paged for it\n` });
    const second = await here.run(['alert', 'ack', String(code)]);
    expect(second.code).toBe(0);
    expect(second.stdout).toMatch(/was acknowledged before, by \S+@/);
    expect(await list()).toMatchObject([{ state: 'acknowledged' }]);
  });

  test('resolve closes it with its reason; it is listed under --all alone', async () => {
    const answer = await here.run(['alert', 'resolve', String(code), '--reason', 'the source was told']);
    expect(answer).toMatchObject({ code: 0, stdout: `Alert ${code} is resolved\n` });
    expect(await list()).toEqual([]);
    expect(await list('--all')).toMatchObject([{ code, state: 'resolved' }]);
    const { stdout } = await here.run(['alert', 'show', String(code)]);
    expect(stdout).toContain('the source was told');
    expect((await here.run(['alert', 'ack', String(code)])).stdout).toContain('is resolved already');
  });

  test('without Temporal the archive is enough: acknowledged, said that nobody could be told, exit code 0', async () => {
    await here.ask(
      `insert into nighttrain.alert (rule, severity, sentence, paging, on_call) values ('night-failed', 'error', 'x', 'under way', '{}')`,
    );
    const [alert] = await list();
    const answer = await here.run(['alert', 'ack', String(alert?.code)], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expect(answer.code).toBe(0);
    expect(answer.stdout).toContain('is yours');
    expect(answer.stderr).toContain('the escalation could not be told');
    await here.run(['alert', 'resolve', String(alert?.code), '--reason', 'x']);
  });
});

describe('alert test', () => {
  const run = (...options: string[]) => here.start(['alert', 'test', ...options], {}, project).answer();

  test('pages level 1 and nobody else, and says whom it reached', async () => {
    const { code, stdout } = await run();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ada by webhook json http:\/\/127\.0\.0\.1:\d+\/\*\*\*: delivered$/m);
    expect(stdout).not.toContain('grace');
    const [alert] = await list();
    expect(alert).toMatchObject({ rule: 'test-page', state: 'firing' });
    expect(hooked).toMatchObject([{ code: alert?.code }]);
    const acknowledged = await here.run(['alert', 'ack', String(alert?.code)]);
    expect(acknowledged.code).toBe(0);
  });

  test('pages one person by name; who can not be reached is said, with a masked number, and nobody else is asked', async () => {
    const { code, stdout, stderr } = await run('--to', 'grace');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^grace by sms \+33\*\*\*678: failed/m);
    expect(stdout + stderr).not.toContain('612345678');
    expect(hooked).toHaveLength(1);
    const [alert] = await list('--all');
    const shown = await here.run(['alert', 'show', String(alert?.code)]);
    expect(shown.stdout).toContain('+33***678');
    expect(shown.stdout).toContain('paged grace (sms)');
    expect(shown.stdout, 'a test is about no night').not.toMatch(/^ +night /m);
    expect(JSON.stringify(await here.json(['alert', 'show', String(alert?.code)]))).not.toContain(
      '612345678',
    );
  });

  test('somebody whom the on-call file does not know is a typing error', async () => {
    const { code, stderr } = await run('--to', 'nobody');
    expect(code).toBe(2);
    expect(stderr).toContain('It knows: ada, grace');
  });

  test('a broken on-call file is a sentence, exit code 2, and no page', async () => {
    const broken = await mkdtemp(join(tmpdir(), 'nighttrain-project-'));
    await mkdir(join(broken, 'datasets'));
    await writeFile(join(broken, 'on-call.yaml'), 'people: {}\n');
    const answer = await here.start(['alert', 'test'], {}, broken).answer();
    expect(answer.code).toBe(2);
    expect(answer.stderr).toContain('on-call.yaml');
    await rm(broken, { recursive: true });
    expect(hooked).toHaveLength(1);
  });

  test('where nobody is on call, nobody can be paged', async () => {
    const { code, stderr } = await here.run(['alert', 'test']);
    expect(code).toBe(2);
    expect(stderr).toContain('There is no on-call.yaml');
  });
});
