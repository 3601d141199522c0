import type { Command } from 'commander';
import { Cancelled } from '../rules/errors.ts';
import { processEnvironment } from '../worker/config.ts';
import { DemoHouse } from './demo/house.ts';
import { Narrator } from './demo/narrator.ts';
import { tellStory } from './demo/story.ts';
import { Output } from './output.ts';
import { StopRequest } from './signals.ts';

interface DemoOptions {
  readonly keep?: boolean;
}

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('a few nights, good, refused, broken, interrupted and replayed, on engines of their own')
    .option('--keep', 'keep the temporary project and say where it is')
    .action(demo);
}

async function demo({ keep = false }: DemoOptions): Promise<void> {
  const output = new Output(false);
  using stop = StopRequest.listen();
  const narrator = new Narrator(output);
  output.line('Night Train, shown on a PostgreSQL and a Temporal of its own, in a temporary folder.');
  const house = await DemoHouse.open(processEnvironment(), stop.signal, narrator);
  try {
    await tellStory(house, narrator);
    narrator.end();
  } catch (error) {
    throw stop.signal.aborted ? new Cancelled('The demo was interrupted') : error;
  } finally {
    await house.close(keep);
    if (keep) {
      output.line(`The demo's project is kept, its engines are stopped. To go on in it:`);
      output.line(`  cd ${house.folder} && ${process.execPath} ${process.argv[1]} up`);
    }
  }
}
