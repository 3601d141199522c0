import fs, { readdir, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import { openStaged } from '../../intake/staged-rows.ts';
import { Ordinals } from '../../rules/ordinals.ts';
import { rowsOf } from '../support/copy.ts';
import { openIntake, refusalOf, until } from '../support/intake.ts';

const KEY = 'flights/2013-02-01/1/landed/part-00001.csv';

async function* forEver() {
  for (;;) {
    yield Buffer.alloc(64 * 1024);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

describe('the landing folder', () => {
  test('a file appears whole, with its size and checksum', async () => {
    const { landing } = await openIntake();
    const stored = await landing.write(KEY, Readable.from([Buffer.from('a,b\n'), Buffer.from('1,2\n')]));
    const sha256 = createHash('sha256').update('a,b\n1,2\n').digest('hex');
    expect(stored).toEqual({ key: KEY, bytes: 8, sha256 });
    expect(await landing.readText(KEY)).toBe('a,b\n1,2\n');
    expect(Buffer.concat(await landing.read(KEY).toArray()).toString()).toBe('a,b\n1,2\n');
  });

  test('written again, it is replaced', async () => {
    const { landing } = await openIntake();
    await landing.write(KEY, Readable.from([Buffer.from('old')]));
    await landing.write(KEY, Readable.from([Buffer.from('new')]));
    expect(await landing.readText(KEY)).toBe('new');
    expect(await landing.list('flights')).toEqual([KEY]);
  });

  test('a write that fails leaves nothing behind', async () => {
    const { landing, root } = await openIntake();
    const broken = (async function* () {
      yield Buffer.from('half');
      throw new Error('the source broke off');
    })();
    await expect(landing.write(KEY, broken)).rejects.toThrow('the source broke off');
    expect(await filesIn(root)).toEqual([]);
  });

  test('an aborted write ends at once, also while its source says nothing, and leaves nothing', async () => {
    const { landing, root } = await openIntake();
    for (const silent of [true, false]) {
      const abort = new AbortController();
      const source = silent ? new Readable({ read: () => undefined }) : forEver();
      const writing = landing.write(KEY, source, abort.signal);
      writing.catch(() => undefined);
      await until(async () => (await filesIn(root)).length === 1);
      expect(await landing.list('flights')).toEqual([]);
      abort.abort(new Error('told to stop'));
      await expect(writing).rejects.toThrow('told to stop');
      expect(await filesIn(root)).toEqual([]);
    }
  });

  test('a full disk is named, can pass, and leaves nothing', async () => {
    const { landing, root } = await openIntake();
    const open = fs.open;
    // The kernel's own ENOSPC: this device is always full.
    const spy = vi.spyOn(fs, 'open').mockImplementation(async (file, flags) => {
      return String(file).includes('~') ? open('/dev/full', 'r+') : open(file, flags);
    });
    try {
      const error = await refusalOf(landing.write(KEY, Readable.from([Buffer.from('a,b\n')])));
      expect(error).toMatchObject({ name: 'LandingFull', retryable: true });
      expect(error.hint).toMatch(/Make room/);
    } finally {
      spy.mockRestore();
    }
    expect(await filesIn(root)).toEqual([]);
  });

  test.each(['../x', '/etc/passwd', 'a/../../b', 'a//b', '', '.', 'a/./b', 'a\\b', 'a b', 'ä', 'a/\0'])(
    'the key %j leads nowhere',
    async (key) => {
      const { landing } = await openIntake();
      await expect(landing.write(key, Readable.from([]))).rejects.toThrow(/not made of/);
      expect(() => landing.read(key)).toThrow(/not made of/);
      await expect(landing.remove(key)).rejects.toThrow(/not made of/);
    },
  );

  test('epoch 1 is not epoch 10: a prefix is a folder', async () => {
    const { landing } = await openIntake();
    const keys = ['d/2013-02-01/1/manifest.json', 'd/2013-02-01/1/landed/b', 'd/2013-02-01/10/landed/c'];
    for (const key of keys) await landing.write(key, Readable.from([Buffer.from('x')]));
    expect(await landing.list('d/2013-02-01/1')).toEqual([keys[1], keys[0]]);
    await landing.remove('d/2013-02-01/1');
    expect(await landing.list('d')).toEqual([keys[2]]);
    expect(await landing.list('nothing/here')).toEqual([]);
  });

  test('a file that is gone or was changed is noticed by whoever reads it', async () => {
    const { landing, root } = await openIntake();
    expect(await landing.readText('d/no')).toBeUndefined();
    expect(await refusalOf(landing.read('d/no').toArray())).toMatchObject({ name: 'LandingCorrupt' });
    const rows = await landing.write('d/rows', Readable.from([Buffer.from('1\n2\n')]));
    const rejects = await landing.write('d/rejects', Readable.from([]));
    const counts = { read: 2, staged: 2, rejected: 0, discarded: 0, rejectedByRule: {}, warnings: [] };
    const part = { part: 1, rows, rejects, ...counts };
    expect((await rowsOf(openStaged(landing, [part]))).toString()).toBe('1\n2\n');
    const file = path.join(root, 'landing', 'd/rows');
    for (const content of ['1\n3\n', '1\n', '']) {
      await writeFile(file, content);
      expect(await refusalOf(openStaged(landing, [part]).toArray())).toMatchObject({
        name: 'LandingCorrupt',
      });
      expect(await refusalOf(openStaged(landing, [part], new Ordinals([0])).toArray())).toMatchObject({
        name: 'LandingCorrupt',
      });
    }
    await rm(file);
    expect(await refusalOf(openStaged(landing, [part]).toArray())).toMatchObject({ name: 'LandingCorrupt' });
  });
});
