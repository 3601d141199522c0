import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { WorkflowBundle } from '@temporalio/worker';

/** Sources in a checkout, which a child needs tsx to read; JavaScript in the published package. */
const fromSources = import.meta.url.endsWith('.ts');

const LARGEST_BUNDLE_BYTES = 64 * 1024 * 1024;
const LONGEST_BUNDLING_MS = 120_000;

/**
 * The workflows as Temporal's sandbox runs them. Bundled in a process of its own, a second or two long: webpack
 * would otherwise keep some 150 MB of the worker for as long as that lives (R14).
 */
export async function bundleWorkflows(): Promise<WorkflowBundle> {
  const script = fileURLToPath(new URL(`./bundle-process${fromSources ? '.ts' : '.js'}`, import.meta.url));
  const tsx = fromSources ? ['--import', import.meta.resolve('tsx')] : [];
  const { stdout } = await promisify(execFile)(process.execPath, [...tsx, script], {
    maxBuffer: LARGEST_BUNDLE_BYTES,
    timeout: LONGEST_BUNDLING_MS,
  });
  return { code: stdout };
}
