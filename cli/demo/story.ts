import type { DemoHouse } from './house.ts';
import type { Narrator } from './narrator.ts';
import { breakFile } from './broken-file.ts';
import { killInMidLoad } from './crash.ts';
import { replayBySignal } from './replay.ts';

/** The nights of the demo in their order; each holds what it finds against what must be. */
export async function tellStory(house: DemoHouse, narrator: Narrator): Promise<void> {
  const chapters: readonly [string, (house: DemoHouse, narrator: Narrator) => Promise<void>][] = [
    ['An empty warehouse is prepared, and a worker starts', prepare],
    ['A night is loaded, and every row of it is accounted for', loadFlights],
    ['A night too bad to load is refused, and the warehouse keeps no row of it', refuseBadNight],
    ['A night whose API fails at first loads by retry', retryFreight],
    ['A night whose file is broken fails with a reason', failBrokenFile],
    ['A worker is killed in mid-load: nothing is left, and another worker loads the night', killInMidLoad],
    ['A day that its source restated is replayed by a signal', replayBySignal],
    ['What became of all of it', showStatus],
  ];
  for (const [title, tell] of chapters) await narrator.chapter(title, () => tell(house, narrator));
}

async function prepare(house: DemoHouse, narrator: Narrator): Promise<void> {
  const migrated = await house.nighttrain(narrator, 'migrate', '--bootstrap');
  narrator.expect('exit code', migrated.code, 0);
  narrator.command('npx nighttrain worker &');
  await house.startWorker();
}

async function loadFlights(house: DemoHouse, narrator: Narrator): Promise<void> {
  const lookups = await Promise.all([
    house.nighttrain(narrator, 'run', 'airlines', '--date', '2013-02-01'),
    house.nighttrain(narrator, 'run', 'airports', '--date', '2013-02-01'),
  ]);
  for (const { code } of lookups) narrator.expect('exit code', code, 0);
  const night = await house.nighttrain(narrator, 'run', 'flights', '--date', '2013-02-01');
  narrator.expect('exit code', night.code, 0);
  narrator.expect('flights of 1 February in the warehouse', await house.flightsOf('2013-02-01'), 908);
  narrator.expect('its incomplete flights in quarantine', await quarantined(house, '2013-02-01'), 18);
}

async function refuseBadNight(house: DemoHouse, narrator: Narrator): Promise<void> {
  const night = await house.nighttrain(narrator, 'run', 'flights', '--date', '2013-02-08');
  narrator.expect('exit code', night.code, 1);
  narrator.expectWords('the refusal names the rows', night.lines, /475 of 930 rows/);
  narrator.expect('flights of 8 February in the warehouse', await house.flightsOf('2013-02-08'), 0);
  narrator.expect('rejected rows kept in quarantine', await quarantined(house, '2013-02-08'), 475);
}

async function retryFreight(house: DemoHouse, narrator: Narrator): Promise<void> {
  const stations = await house.nighttrain(narrator, 'run', 'stations', '--date', '2013-02-01');
  narrator.expect('exit code', stations.code, 0);
  narrator.tell('The freight API will answer 500 twice and 429 once.');
  const path = '/v1/movements';
  await house.ask({
    faults: [
      { fault: 'status', status: 500, path, times: 2 },
      { fault: 'status', status: 429, retryAfter: '1', path, page: 2, times: 1 },
    ],
  });
  const night = await house.nighttrain(narrator, 'run', 'freight-movements', '--date', '2013-02-01');
  narrator.expect('exit code', night.code, 0);
  narrator.expect('answers that failed', await faultsThatStruck(house), 3);
  narrator.expect(
    'movements of 1 February in the warehouse',
    await house.value(
      `select count(*)::int from warehouse.freight_movement where business_date = '2013-02-01'`,
    ),
    2000,
  );
}

async function failBrokenFile(house: DemoHouse, narrator: Narrator): Promise<void> {
  await breakFile(house.inbox, '2013-02-03');
  narrator.tell('The file of 3 February was cut off while it was compressed.');
  const night = await house.nighttrain(narrator, 'run', 'flights', '--date', '2013-02-03');
  narrator.expect('exit code', night.code, 1);
  narrator.expectWords(
    'the failure says what is wrong with which file',
    night.lines,
    /cut short\n.*2013-02-03.*\.gz/,
  );
  narrator.expect('flights of 3 February in the warehouse', await house.flightsOf('2013-02-03'), 0);
}

async function showStatus(house: DemoHouse, narrator: Narrator): Promise<void> {
  const status = await house.nighttrain(narrator, 'status');
  const states: readonly [string, string, string][] = [
    ['flights', '2013-02-01', 'loaded'],
    ['flights', '2013-02-03', 'failed'],
    ['flights', '2013-02-04', 'loaded'],
    ['flights', '2013-02-08', 'refused'],
    ['freight-movements', '2013-02-01', 'loaded'],
  ];
  for (const [dataset, date, state] of states) {
    narrator.expectWords(
      `${dataset} of ${date}: ${state}`,
      status.lines,
      new RegExp(`${dataset}\\s+${date}\\s+${state}`),
    );
  }
}

function quarantined(house: DemoHouse, date: string): Promise<unknown> {
  return house.value(
    `select count(*)::int from nighttrain.quarantine where dataset = 'flights' and business_date = $1`,
    date,
  );
}

async function faultsThatStruck(house: DemoHouse): Promise<number> {
  const response = await fetch(`${house.sources.url}/control`);
  const { faults } = (await response.json()) as { faults: { struck: number }[] };
  return faults.reduce((sum, { struck }) => sum + struck, 0);
}
