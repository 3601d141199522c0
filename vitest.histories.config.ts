import { defineConfig } from 'vitest/config';
import ordinary from './vitest.config.ts';

/** Records the histories that test/histories/replay.test.ts replays. */
export default defineConfig({ test: { ...ordinary.test, include: ['test/histories/record.ts'] } });
