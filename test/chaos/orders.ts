import fs from 'node:fs/promises';
import { shiftOwnClock } from './own-clock.ts';

/** What a worker under fire is told by its parent. */
export type Order =
  | { readonly order: 'go' }
  /** Blocks the event loop. */
  | { readonly order: 'block'; readonly ms: number }
  /** Shifts the process's clock; by 0 it is right again. */
  | { readonly order: 'clock'; readonly ms: number }
  | { readonly order: 'disk'; readonly isFull: boolean }
  /** Off: nobody is evicted any more, the fence alone must do. */
  | { readonly order: 'eviction'; readonly isOn: boolean };

/** Whether the worker still ends what older attempts left. */
export const eviction = { isOn: true };

/** Waits for the parent's order. */
export function orderOf(wanted: Order['order']): Promise<void> {
  return new Promise((resolve) => {
    const onMessage = (message: unknown) => {
      if ((message as Order).order !== wanted) return;
      process.off('message', onMessage);
      resolve();
    };
    process.on('message', onMessage);
  });
}

/** Obeys orders from now on. */
export function obey(): void {
  process.on('message', (message) => carryOut(message as Order));
  process.on('disconnect', () => process.exit(70)); // nobody is left to end us
}

function carryOut(order: Order): void {
  switch (order.order) {
    case 'block':
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.ms);
      break;
    case 'clock':
      shiftOwnClock(order.ms);
      break;
    case 'disk':
      fillDisk(order.isFull);
      break;
    case 'eviction':
      eviction.isOn = order.isOn;
      break;
    case 'go': // whoever stands by waits for it
  }
}

const realOpen = fs.open;

/** Every file that is written from now on meets a full disk: the kernel's own ENOSPC, of a device that is always full. */
function fillDisk(isFull: boolean): void {
  fs.open = isFull ? openOnFullDisk : realOpen;
}

const openOnFullDisk: typeof fs.open = async (path, flags, mode) => {
  const handle = await realOpen(path, flags, mode);
  if (flags === 'r') return handle;
  await handle.close(); // a full disk still takes the file's name
  return realOpen('/dev/full', 'r+');
};
