/**
 * `npm run build`: the product's folders as JavaScript in dist/, with the files that they read beside them.
 * `node scripts/build.mjs FOLDER [OPTION…]`: there instead, with more options for the compiler.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const [out = 'dist', ...options] = process.argv.slice(2);
// Folders that hold no TypeScript of their own: this repository is a project too, which `up` and `demo` run.
const projectFolders = ['audits', 'migrations', 'runbooks'];
const { include } = JSON.parse(readFileSync('tsconfig.build.json', 'utf8'));
const sourceFolders = include.map((pattern) => pattern.split('/')[0]);

rmSync(out, { recursive: true, force: true }); // or a module that was renamed would be published for ever
const compile = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', out];
execFileSync(process.execPath, [...compile, ...options], { stdio: 'inherit' });
for (const folder of [...sourceFolders, ...projectFolders].filter((name) => existsSync(name))) {
  const isAsset = (path) => statSync(path).isDirectory() || !path.endsWith('.ts');
  cpSync(folder, `${out}/${folder}`, { recursive: true, filter: isAsset });
}
