import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { LiveView } from '../../cli/live-view.ts';
import type { LoadLook } from '../../cli/load-look.ts';
import { Output } from '../../cli/output.ts';
import { LineView } from '../../cli/step-view.ts';
import type { StepProgress } from '../../workflows/messages.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const ESCAPE = String.fromCharCode(27);
const COLOURS = new RegExp(`${ESCAPE}\\[[0-9;?]*[A-Za-z]`, 'g');

/** What was written to stderr, without colours. */
function onStderr(): () => string {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  return () =>
    write.mock.calls
      .map(([text]) => String(text))
      .join('')
      .replaceAll(COLOURS, '');
}

const done = (name: StepProgress['name'], more: Partial<StepProgress> = {}): StepProgress => ({
  name,
  state: 'done',
  done: 1,
  of: 1,
  ...more,
});
const running = (name: StepProgress['name']): StepProgress => ({ name, state: 'running', done: 0, of: 1 });
const NOTHING: LoadLook = { steps: [], rows: 0, bytes: 0, rowsPerSecond: 0, retries: [] };
const look = (...steps: StepProgress[]): LoadLook => ({ ...NOTHING, steps });

test('line by line, a step that takes its time says now and then how far it has come', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const written = onStderr();
  const view = new LineView(new Output(false));
  const load = { ...look(done('take over'), running('load')), rows: 1_500_000, bytes: 80_000_000 };
  const copying = { ...load, rowsPerSecond: 300_000, secondsLeft: 12 };
  view.show(copying);
  expect(written()).toBe('take over\n');
  vi.advanceTimersByTime(10_001);
  view.show(copying);
  view.show(copying); // a moment later
  const pace = 'load      … 1,500,000 rows, 300,000 a second; 80.0 MB; about 12 seconds left\n';
  expect(written()).toBe(`take over\n${pace}`);
  vi.advanceTimersByTime(10_001);
  view.show(copying);
  view.show(look(done('take over'), done('load', { rows: 5_000_000 })));
  expect(written()).toBe(`take over\n${pace}${pace}load      5,000,000 rows\n`);
});

test('as a list that moves, a step that the night does without is passed over', async () => {
  const { isTTY } = process.stdout;
  onTestFinished(() => void (process.stdout.isTTY = isTTY));
  process.stdout.isTTY = true; // it is shown on a terminal alone
  const written = onStderr();
  const view = new LiveView();
  const before = [done('take over'), done('extract', { bytes: 2_000_000 })];
  view.show(look(...before));
  view.show({ ...look(...before, running('load')), rows: 1_000, rowsPerSecond: 500, secondsLeft: 3 });
  await vi.waitUntil(() => written().includes('about 3 seconds left'), { timeout: 5_000 });
  expect(written()).toContain('↓ transform\n');
  view.show(look(...before, done('load', { rows: 2_500 })));
  await view.end(true);
  expect(written()).toContain('load 2,500 rows');
});
