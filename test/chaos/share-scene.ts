import { afterAll, beforeAll } from 'vitest';
import { sharedEngines } from '../support/shared-engines.ts';
import { choose, type Aim } from './choice.ts';
import { strikeNight, type Outcome } from './night-under-fire.ts';
import { Scene } from './scene.ts';

/** A scene for all tests of a file, on the engines of the test run, which others use: nobody strikes those. */
export function shareScene(): { strike(aim: Aim, seed?: number): Promise<Outcome> } {
  let scene: Scene | undefined;
  beforeAll(async () => {
    const refuse = () => Promise.reject(new Error('others use these engines'));
    scene = await Scene.open({
      temporalAddress: sharedEngines().temporalAddress,
      strike: refuse,
      closeDoors: refuse,
      start: () => Promise.resolve(),
    });
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());
  return {
    strike: (aim, seed = 1) => {
      if (!scene) throw new Error('the scene is opened before the first test');
      return strikeNight(scene, choose(seed, aim));
    },
  };
}

/** What every night under fire must come to. */
export const WHOLE = { hasStruck: true, violations: [] };

/** And by itself: no operator had to replay it. */
export const WHOLE_BY_ITSELF = { ...WHOLE, replays: 0 };
