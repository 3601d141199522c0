/** As somebody who sets the clock of the machine does it: all of this process that asks is told another time. */
export function shiftOwnClock(ms: number): void {
  const realDate = Date.prototype.constructor as DateConstructor; // also where it has been shifted before
  const now = () => realDate.now() + ms;
  globalThis.Date = new Proxy(realDate, {
    construct: (target, args: unknown[]) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args) as object,
    get: (target, name, receiver) =>
      name === 'now' ? now : (Reflect.get(target, name, receiver) as unknown),
  });
}

/** Variables by which a command of Node's lives in the time of this process. */
export function ownClock(): { readonly NODE_OPTIONS: string } {
  const code = `(${shiftOwnClock.toString()})(${msAhead(new Date().toISOString())})`;
  return { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(code)}` };
}

/** How far an instant lies ahead of the machine's clock; behind it where negative. */
export function msAhead(instant: string): number {
  return Date.parse(instant) - (Date.prototype.constructor as DateConstructor).now();
}
