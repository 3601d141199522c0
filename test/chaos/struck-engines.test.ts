import { afterAll, beforeAll, expect, test } from 'vitest';
import { choose } from './choice.ts';
import { EngineRoom } from './engine-room.ts';
import { strikeNight } from './night-under-fire.ts';
import { Scene } from './scene.ts';
import { WHOLE } from './share-scene.ts';

let engines: EngineRoom | undefined;
let scene: Scene | undefined;

beforeAll(async () => {
  engines = await EngineRoom.open();
  scene = await Scene.open(engines);
});
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
  await engines?.[Symbol.asyncDispose]();
});

test.each([
  ['PostgreSQL stopped at once', 'postgres-stopped-at-once', 'COPY'],
  ['PostgreSQL stopped at once', 'postgres-stopped-at-once', 'COMMIT'],
  ['PostgreSQL stopped at once', 'postgres-stopped-at-once', 'answer to COMMIT'],
  ['Temporal killed', 'temporal-killed', 'log: landed'],
  ['Temporal killed', 'temporal-killed', 'COMMIT'],
  ['Temporal killed', 'temporal-killed', 'answer to COMMIT'],
] as const)('R1-R9: %s and started again, by %s at %s: the day is whole', async (_what, fault, moment) => {
  if (!scene) throw new Error('the scene is opened before the first test');
  expect(await strikeNight(scene, choose(1, { fault, moment }))).toMatchObject(WHOLE);
});
