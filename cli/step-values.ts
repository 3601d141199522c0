import { InvalidArgumentError } from 'commander';
import { findDataset } from '../rules/find-dataset.ts';
import type { Dataset } from '../rules/dataset.ts';
import { UsageError } from '../rules/errors.ts';
import {
  isStepVariable,
  STEP_VARIABLES,
  wrongWith,
  type StepValues,
  type StepVariable,
} from '../rules/step-variables.ts';

/** For commander: collects `--var name=value`. */
export function collectValue(pair: string, before: StepValues = {}): StepValues {
  const at = pair.indexOf('=');
  const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
  if (at < 1) throw new InvalidArgumentError('Write it as name=value.');
  if (!isStepVariable(name))
    throw new InvalidArgumentError(`There is no variable '${name}': known are ${STEP_VARIABLES.join(', ')}.`);
  const wrong = wrongWith(name, value);
  if (wrong !== undefined) throw new InvalidArgumentError(`'${value}' ${wrong}.`);
  if (before[name] !== undefined)
    throw new InvalidArgumentError(`${name} is given twice: ${before[name]} and ${value}.`);
  return { ...before, [name]: value };
}

/**
 * What was given, held against what is asked for. @throws UsageError naming every value that is missing, that nobody
 * asks for, or a dataset that nobody declared
 */
export function checkValues(
  wanted: readonly StepVariable[],
  given: StepValues,
  datasets: ReadonlyMap<string, Dataset>,
): StepValues {
  const missing = wanted.filter((name) => given[name] === undefined);
  if (missing.length > 0) {
    throw new UsageError(`No value is given for ${missing.join(', ')}`, {
      hint: `Add: ${missing.map((name) => `--var ${name}=…`).join(' ')}`,
    });
  }
  if (given.dataset !== undefined) findDataset(datasets, given.dataset);
  return Object.fromEntries(wanted.map((name) => [name, given[name]]));
}

/** @throws UsageError for a value that nobody asks for: it is a typing error, or meant for something else */
export function refuseUnwanted(wanted: readonly StepVariable[], given: StepValues): void {
  const unwanted = (Object.keys(given) as StepVariable[]).filter((name) => !wanted.includes(name));
  if (unwanted.length === 0) return;
  const known = wanted.length > 0 ? `It asks for ${wanted.join(', ')}.` : 'It asks for no value.';
  throw new UsageError(`Nothing here asks for ${unwanted.join(', ')}`, { hint: known });
}
