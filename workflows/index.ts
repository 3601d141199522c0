export { control } from './control.ts';
export { escalation } from './escalation.ts';
export { loadDay } from './load-day.ts';
export { nightly } from './nightly.ts';
export { sweep } from './sweep.ts';
