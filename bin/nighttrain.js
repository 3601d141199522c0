#!/usr/bin/env node
import { existsSync } from 'node:fs';

const source = new URL('../cli/main.ts', import.meta.url); // a checkout; the published package has dist/ alone
const isCheckout = existsSync(source);
// tsx reads TypeScript in this very process, so that signals and exit codes need no forwarding. It stands in the way of
// every module that is loaded (0.4 s of a command's 0.8): the package leaves it out until a dataset asks for it.
if (isCheckout) (await import('tsx/esm/api')).register();

const main = isCheckout ? source : new URL('../dist/cli/main.js', import.meta.url);
await (await import(main.href)).main(process.argv);
