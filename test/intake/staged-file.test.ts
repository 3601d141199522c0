import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { LandingStore } from '../../intake/landing.ts';
import { StagedFile } from '../../intake/staged-file.ts';
import { LandingFull } from '../../rules/errors.ts';
import { openIntake, type IntakeHouse } from '../support/intake.ts';

const KEY = 'notes/2013-02-01/1/staged/part-00001.copy';

/** Everything in the folder, files that are still being written as well. */
const namesIn = async ({ root }: IntakeHouse) =>
  readdir(path.join(root, 'landing', path.dirname(KEY))).catch(() => []);

test('a file is what was written piece by piece, in memory that is used again', async () => {
  const house = await openIntake();
  const file = new StagedFile(house.context, KEY);
  const memory = Buffer.alloc(100_000);
  const sent: Buffer[] = [];
  for (let piece = 0; piece < 200; piece++) {
    const bytes = memory.subarray(0, (piece * 997) % memory.length).fill(piece);
    sent.push(Buffer.from(bytes));
    await file.write(bytes);
    memory.fill(0xff);
  }
  const content = Buffer.concat(sent);
  const sha256 = createHash('sha256').update(content).digest('hex');
  expect(await file.end()).toEqual({ key: KEY, bytes: content.length, sha256 });
  expect(Buffer.concat((await house.landing.read(KEY).toArray()) as Buffer[]).equals(content)).toBe(true);
  await file.discard(); // of what was ended nothing is given up
  expect(await house.landing.list('notes')).toEqual([KEY]);
});

test('a file to which nothing was written is empty', async () => {
  const house = await openIntake();
  const sha256 = createHash('sha256').digest('hex');
  expect(await new StagedFile(house.context, KEY).end()).toEqual({ key: KEY, bytes: 0, sha256 });
});

test.each([0, 1, 5])('a file that is given up after %i pieces leaves nothing', async (pieces) => {
  const house = await openIntake();
  const file = new StagedFile(house.context, KEY);
  for (let piece = 0; piece < pieces; piece++) await file.write(Buffer.from('rows'));
  await file.discard();
  expect(await namesIn(house)).toEqual([]);
});

test('a file that is given up while a piece of it is being written leaves nothing, and nobody waits for it', async () => {
  const house = await openIntake();
  const file = new StagedFile(house.context, KEY);
  await file.write(Buffer.from('rows'));
  const writing = file.write(Buffer.from('more')).catch(() => undefined);
  await file.discard();
  await writing;
  expect(await namesIn(house)).toEqual([]);
});

test('a store that is full in the middle tells whoever writes on, ends or gives up', async () => {
  const house = await openIntake();
  const full = new LandingFull('The landing store is full');
  const landing: LandingStore = {
    ...house.landing,
    write: (key, content, signal) => house.landing.write(key, fullAfter(3, content, full), signal),
  };
  const file = new StagedFile({ ...house.context, landing }, KEY);
  const writing = async () => {
    for (let piece = 0; piece < 1_000; piece++) await file.write(Buffer.from('rows'));
  };
  await expect(writing()).rejects.toBe(full);
  await expect(file.write(Buffer.from('more'))).rejects.toBe(full);
  await expect(file.end()).rejects.toBe(full);
  await file.discard();
  expect(await namesIn(house)).toEqual([]);
});

async function* fullAfter(pieces: number, content: AsyncIterable<Uint8Array>, full: Error) {
  let taken = 0;
  for await (const piece of content) {
    if (taken++ === pieces) throw full;
    yield piece;
  }
}

test('an abort is told to whoever writes, and leaves nothing', async () => {
  const house = await openIntake();
  const file = new StagedFile(house.context, KEY);
  await file.write(Buffer.from('rows'));
  house.abort.abort(new Error('told to stop'));
  await expect(file.write(Buffer.from('more'))).rejects.toThrow('told to stop');
  await file.discard();
  expect(await namesIn(house)).toEqual([]);
});
