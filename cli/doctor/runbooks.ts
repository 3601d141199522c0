import { findRunbooks, readRunbook } from '../../alerting/runbook/runbook-files.ts';
import { parseRunbook } from '../../alerting/runbook/runbook.ts';
import { ConfigurationError } from '../../rules/errors.ts';
import type { Config } from '../../worker/config.ts';
import { fail, ok, type Finding } from './finding.ts';

/** Whether every runbook can be run: a broken one is found on the worst night otherwise. */
export async function checkRunbooks({ projectRoot }: Config): Promise<Finding> {
  const files = await findRunbooks(projectRoot);
  const broken: string[] = [];
  for (const name of files.keys()) {
    try {
      parseRunbook(name, await readRunbook(files, name));
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      broken.push(`${name}: ${error.detail ?? error.message}`);
    }
  }
  if (broken.length === 0) return ok('runbooks', `${files.size}, each of them can be run`);
  return fail('runbooks', broken.join('\n'), 'Correct the files, then: npx nighttrain runbook list');
}
