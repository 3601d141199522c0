import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** How a command ended. */
export type StepEnd =
  | { readonly how: 'ended'; readonly code: number }
  | { readonly how: 'killed'; readonly by: string }
  | { readonly how: 'not started'; readonly why: string }
  | { readonly how: 'too long' };

/** A replay of a large night is the longest that a runbook waits for. */
const LONGEST_STEP_MS = 60 * 60_000;
/** What a command that was asked to end may take for it. */
const GRACE_MS = 15_000;

/**
 * Runs a command to its end, without a shell: each word is one argument, whatever stands in it.
 * @param nighttrain what `npx nighttrain` is here: this very program, so that a runbook never runs another version
 * @param said told every line that it prints
 * @param signal aborted: the command is asked to end, and waited for
 */
export async function runStep(
  words: readonly string[],
  nighttrain: readonly string[],
  said: (line: string) => void,
  signal: AbortSignal,
): Promise<StepEnd> {
  const [program = '', ...args] =
    words[0] === 'npx' && words[1] === 'nighttrain' ? [...nighttrain, ...words.slice(2)] : words;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
  let isTooLong = false;
  const end = (name: NodeJS.Signals) => void child.kill(name);
  const longest = setTimeout(() => {
    isTooLong = true;
    end('SIGTERM');
  }, LONGEST_STEP_MS);
  const grace = setTimeout(() => end('SIGKILL'), LONGEST_STEP_MS + GRACE_MS);
  const interrupt = () => end('SIGINT');
  signal.addEventListener('abort', interrupt);
  try {
    const [ended] = await Promise.all([endOf(child), tell(child.stdout, said), tell(child.stderr, said)]);
    return isTooLong ? { how: 'too long' } : ended;
  } finally {
    signal.removeEventListener('abort', interrupt);
    clearTimeout(longest);
    clearTimeout(grace);
  }
}

function endOf(child: ChildProcess): Promise<StepEnd> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ how: 'not started', why: error.message }));
    child.once('close', (code, by) =>
      resolve(code === null ? { how: 'killed', by: by ?? 'a signal' } : { how: 'ended', code }),
    );
  });
}

async function tell(stream: Readable, said: (line: string) => void): Promise<void> {
  for await (const line of createInterface(stream)) said(line);
}

/** The end of a sentence that begins with the command's name. */
export function sayEnd(end: StepEnd): string {
  if (end.how === 'ended') return `ended with exit code ${end.code}`;
  if (end.how === 'killed') return `was ended by ${end.by}`;
  if (end.how === 'not started') return `could not be started: ${end.why}`;
  return `was ended, for it had not come to its end after ${LONGEST_STEP_MS / 60_000} minutes`;
}
