#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { register } from 'tsx/esm/api';

// Datasets are TypeScript, in this repository and in the projects that depend on the package: tsx reads them in
// this very process, so that signals and exit codes need no forwarding.
register();

const source = new URL('../cli/main.ts', import.meta.url); // a checkout; the published package has dist/ alone
const main = existsSync(source) ? source : new URL('../dist/cli/main.js', import.meta.url);
await (await import(main.href)).main(process.argv);
