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
  ['postgres-stopped-at-once', 'COPY'],
  ['postgres-stopped-at-once', 'COMMIT'],
  ['postgres-stopped-at-once', 'answer to COMMIT'],
  ['57P03-shutting-down', 'EPOCH'],
  ['temporal-killed', 'log: landed'],
  ['temporal-killed', 'COMMIT'],
  ['temporal-killed', 'answer to COMMIT'],
] as const)('R1-R9: the engines struck by %s at %s: the day is whole', async (fault, moment) => {
  if (!scene) throw new Error('the scene is opened before the first test');
  expect(await strikeNight(scene, choose(1, { fault, moment }))).toMatchObject(WHOLE);
});
