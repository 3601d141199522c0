import { readlinkSync } from 'node:fs';
import { open, readdir, readFile, readlink, type FileHandle } from 'node:fs/promises';

/** Whether a process stands still by SIGSTOP. */
export async function isStopped(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''); // gone
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
}

/**
 * Lets a script go on that stopped itself just before it becomes `program` by `exec`, and sets the clock of the program
 * before it has opened a file named `opens`, so that it never knew another time.
 *
 * Linux keeps what a process asks for the time (the vDSO) in the memory of each process. In that copy, and nowhere
 * else, the answer is changed: program, kernel and everybody else's time stay what they are. x86-64 alone.
 */
export async function startInAnotherTime(
  pid: number,
  { program, opens, aheadMs }: { program: string; opens: string; aheadMs: number },
): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('Only Linux on x86-64 lets a test set the clock of another process');
  process.kill(pid, 'SIGCONT');
  const deadline = performance.now() + 10_000;
  while (readlinkSync(`/proc/${pid}/exe`) !== program) {
    if (performance.now() > deadline) throw new Error(`process ${pid} did not become ${program}`);
  }
  process.kill(pid, 'SIGSTOP');
  while (!(await isStopped(pid)));
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const file = await readlink(`/proc/${pid}/fd/${fd}`);
    if (file.includes(opens)) throw new Error(`process ${pid} has opened ${file} in the machine's time`);
  }
  await writeClock(pid, BigInt(Math.round(aheadMs / 1_000)));
  process.kill(pid, 'SIGCONT');
}

/** As `<time.h>` counts clocks and `<sys/syscall.h>` calls on x86-64: asks the kernel, and adds to the real time. */
function clockGettime(aheadS: bigint): Buffer {
  const ahead = Buffer.alloc(8);
  ahead.writeBigInt64LE(aheadS);
  const code = [
    'b8 e4 00 00 00', // mov eax, SYS_clock_gettime
    '0f 05', // syscall
    '85 c0', // test eax, eax
    '75 11', // jnz ret: it failed
    '85 ff', // test edi, edi
    '75 0d', // jnz ret: not CLOCK_REALTIME
    `48 b9 ${ahead.toString('hex')}`, // movabs rcx, ahead
    '48 01 0e', // add [rsi], rcx
    'c3', // ret
  ];
  return Buffer.from(code.join('').replaceAll(' ', ''), 'hex');
}

async function writeClock(pid: number, aheadS: bigint): Promise<void> {
  const maps = await readFile(`/proc/${pid}/maps`, 'utf8');
  const [, from = '', to = ''] = /^(\w+)-(\w+) .*\[vdso\]$/m.exec(maps) ?? [];
  const base = Number.parseInt(from, 16);
  const memory = await open(`/proc/${pid}/mem`, 'r+');
  try {
    const image = Buffer.alloc(Number.parseInt(to, 16) - base);
    await memory.read(image, 0, image.length, base);
    // ELF's section headers are for debuggers: nobody in the process misses them.
    const room = Number(image.readBigUInt64LE(0x28));
    const entry = addressOf(image, '__vdso_clock_gettime');
    const jump = Buffer.from([0xe9, 0, 0, 0, 0]); // jmp room
    jump.writeInt32LE(room - (entry + jump.length), 1);
    await write(memory, clockGettime(aheadS), base + room);
    await write(memory, jump, base + entry);
  } finally {
    await memory.close();
  }
}

async function write(memory: FileHandle, code: Buffer, at: number): Promise<void> {
  const { bytesWritten } = await memory.write(code, 0, code.length, at);
  if (bytesWritten !== code.length) throw new Error('the clock could not be written');
}

/** Where a symbol lies in an ELF image of 64 bits (elf(5)). */
function addressOf(image: Buffer, symbol: string): number {
  const number = (at: number) => Number(image.readBigUInt64LE(at));
  const section = (nth: number) => number(0x28) + nth * image.readUInt16LE(0x3a);
  const sections = Array.from({ length: image.readUInt16LE(0x3c) }, (_, nth) => section(nth));
  const symbols = sections.find((one) => image.readUInt32LE(one + 4) === SHT_DYNSYM);
  if (symbols === undefined) throw new Error('the vDSO names no symbols');
  const names = number(section(image.readUInt32LE(symbols + 40)) + 24);
  for (let at = number(symbols + 24), end = at + number(symbols + 32); at < end; at += 24) {
    const name = names + image.readUInt32LE(at);
    if (image.toString('latin1', name, image.indexOf(0, name)) === symbol) return number(at + 8);
  }
  throw new Error(`the vDSO has no ${symbol}`);
}

const SHT_DYNSYM = 11;
