/** Bundles the workflows and prints the code: the child of `bundleWorkflows`. */
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const pathOf = (module: string) =>
  fileURLToPath(new URL(`../workflows/${module}${extension}`, import.meta.url));
const silent = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

// The payload converter that never throws is for workflow code alone, and webpack reads TypeScript where `require` does not.
const { code } = await bundleWorkflowCode({
  workflowsPath: pathOf('index'),
  payloadConverterPath: pathOf('payload-converter'),
  workflowInterceptorModules: [pathOf('interceptors')],
  logger: silent,
});
process.stdout.write(code);
