import { setTimeout as pause } from 'node:timers/promises';
import { argumentsOf, typed } from './command-line.ts';
import { runStep, sayEnd, type StepEnd } from './run-step.ts';
import type { Runbook, Step, StepSection } from './runbook.ts';
import type { StepValues } from '../../rules/step-variables.ts';
import type { Transcript } from './transcript.ts';

/** What `run` goes through, in this order. */
const RUN: readonly StepSection[] = ['Preconditions', 'Mitigation', 'Verification'];

/** How it ended. */
export type RunEnd =
  | { readonly outcome: 'passed' }
  /** Somebody said no, or interrupted it. */
  | { readonly outcome: 'stopped'; readonly at: Step; readonly isInterrupted: boolean }
  | { readonly outcome: 'failed'; readonly at: Step; readonly why: string };

export interface RunOptions {
  readonly values: StepValues;
  /** What `npx nighttrain` is here. */
  readonly nighttrain: readonly string[];
  /** Only look whether it is over now. */
  readonly isVerifyOnly: boolean;
  readonly transcript: Transcript;
  /** Told every line that is also kept. */
  readonly say: (line: string) => void;
  /** Asked before each step. */
  readonly mayRun: (step: Step) => Promise<boolean>;
  readonly signal: AbortSignal;
}

/** The commands that a run goes through, in order. */
export function stepsOfRun({ steps }: Runbook, isVerifyOnly: boolean): readonly Step[] {
  const sections = isVerifyOnly ? RUN.slice(-1) : RUN;
  return sections.flatMap((section) => steps.filter((step) => step.section === section));
}

/** Goes through the steps of a runbook, one after the other, and stops at the first that fails: what comes after it rests on it. */
export async function runSteps(steps: readonly Step[], options: RunOptions): Promise<RunEnd> {
  const { values, transcript, mayRun, signal } = options;
  const say = (line: string) => options.say(transcript.add(line));
  for (const [index, step] of steps.entries()) {
    transcript.begin();
    const words = argumentsOf(step.command, values);
    say(`[${index + 1}/${steps.length}] ${step.section}, ${step.name}`);
    say(`$ ${typed(words)}`);
    if (!(await mayRun(step))) {
      say(signal.aborted ? 'Interrupted before it was run.' : 'Not run: the answer was no.');
      return { outcome: 'stopped', at: step, isInterrupted: signal.aborted };
    }
    const end = await runUntilGood(step, words, options, say);
    if (signal.aborted) return { outcome: 'stopped', at: step, isInterrupted: true };
    if (!isGood(end)) return { outcome: 'failed', at: step, why: sayEnd(end) };
  }
  return { outcome: 'passed' };
}

const REPEAT_MS = 2_000;

/** Runs a command; one that may take its time until it is so is repeated, and its last words count. */
async function runUntilGood(
  { withinMs }: Step,
  words: readonly string[],
  { nighttrain, isVerifyOnly, signal }: RunOptions,
  say: (line: string) => void,
): Promise<StepEnd> {
  const deadline = performance.now() + (isVerifyOnly ? 0 : withinMs); // who asks whether it is over asks about now
  for (;;) {
    const startedAt = performance.now();
    const end = await runStep(words, nighttrain, (line) => say(`  ${line}`), signal);
    say(`  → ${sayEnd(end)} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
    if (isGood(end) || performance.now() + REPEAT_MS > deadline || signal.aborted) return end;
    say(`  Again in ${REPEAT_MS / 1000} s: it may take ${withinMs / 1000} s until it is so.`);
    await pause(REPEAT_MS, undefined, { signal }).catch(() => undefined); // an interruption is seen below
  }
}

const isGood = (end: StepEnd): boolean => end.how === 'ended' && end.code === 0;
