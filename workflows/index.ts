export { control } from './control.ts';
export { loadDay } from './load-day.ts';
export { nightly } from './nightly.ts';
export { sweep } from './sweep.ts';
