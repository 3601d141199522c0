import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type WorkflowBundleWithSourceMap } from '@temporalio/worker';

/** Sources in a checkout, JavaScript in the published package. */
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/**
 * The workflows as Temporal's sandbox runs them, with the payload converter that never throws: only workflow code
 * needs it, and webpack reads TypeScript where `require` does not. Takes a second or two.
 */
export function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({
    workflowsPath: pathOf('index'),
    payloadConverterPath: pathOf('payload-converter'),
    logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} },
  });
}

function pathOf(module: string): string {
  return fileURLToPath(new URL(`../workflows/${module}${extension}`, import.meta.url));
}
