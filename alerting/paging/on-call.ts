import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { ConfigurationError, describe } from '../../rules/errors.ts';
import { variableProblem, type OnCall } from '../../rules/on-call.ts';
import { badNames, onCallSchema } from './on-call-schema.ts';

/** In the project's root; where there is none, alerts go to the log and the archive alone. */
const FILE = 'on-call.yaml';

const LONGEST_FILE_BYTES = 256 * 1024;

/**
 * Reads and checks the project's on-call file; undefined where there is none.
 * @param datasets names that `owners` may have
 * @throws ConfigurationError naming every problem with its line, at once
 */
export function readOnCall(projectRoot: string, datasets: Iterable<string>): OnCall | undefined {
  const path = join(projectRoot, FILE);
  if (!existsSync(path)) return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigurationError(`${path} cannot be read`, { detail: describe(cause), cause });
  }
  return parseOnCall(text, datasets);
}

/** The same for its text. @throws ConfigurationError */
export function parseOnCall(text: string, datasets: Iterable<string>): OnCall {
  if (Buffer.byteLength(text) > LONGEST_FILE_BYTES)
    throw broken([`it is larger than ${LONGEST_FILE_BYTES / 1024} KiB`]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw broken(
      document.errors.map(({ code, message, pos }) => {
        const says =
          code === 'MULTIPLE_DOCS' ? 'a second document begins (---): the file must have one' : message;
        return `line ${lines.linePos(pos[0]).line}: ${says}`;
      }),
    );
  }
  const content = contentOf(document);
  const parsed = onCallSchema(content, new Set(datasets)).safeParse(content);
  const names = badNames(content).map((id) => ({
    path: ['people', id],
    says: 'must be named with a-z, 0-9 and -',
  }));
  if (parsed.success && names.length === 0) return parsed.data;
  const found = [...names, ...(parsed.error?.issues.flatMap(problemsIn) ?? [])].map((problem) => ({
    ...problem,
    line: lines.linePos(offsetOf(document.contents, problem.path)).line,
  }));
  throw broken(
    found
      .toSorted((a, b) => a.line - b.line)
      .map(({ line, path, says }) => `line ${line}: ${[placeOf(path), says].filter(Boolean).join(' ')}`),
  );
}

/** @throws ConfigurationError where aliases make much of little */
function contentOf(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS() as unknown;
  } catch (cause) {
    throw broken([describe(cause)]);
  }
}

/** Every variable that the file takes an address from, also where the file is broken; none where there is no file. */
export function variablesNamed(projectRoot: string): ReadonlySet<string> {
  const path = join(projectRoot, FILE);
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return new Set();
  const text = readFileSync(path, 'utf8').slice(0, LONGEST_FILE_BYTES);
  return new Set(Array.from(text.matchAll(/\$([A-Z][A-Z0-9_]*)/g), ([, name = '']) => name));
}

function broken(problems: readonly string[]): ConfigurationError {
  return new ConfigurationError(`${FILE} is wrong, so it is not known whom to call`, {
    detail: problems.join('\n'),
    hint: 'Correct it, then: npx nighttrain doctor (docs/guides/on-call.md has an example)',
  });
}

interface Problem {
  readonly path: readonly PropertyKey[];
  readonly says: string;
}

/** One problem for each field that nobody knows: zod reports those of one place together. */
function problemsIn(issue: z.core.$ZodIssue): readonly Problem[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...issue.path, key], says: 'is a field that is not known' }));
  if (issue.code === 'invalid_key') {
    return issue.issues.map(({ message }) => ({ path: issue.path, says: message }));
  }
  return [{ path: issue.path, says: issue.message }];
}

/** `people.ana.channels[1].sms` */
function placeOf(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`))
    .join('');
}

/** Where in the text a path is, or the nearest part of it that is there. */
function offsetOf(root: unknown, path: readonly PropertyKey[]): number {
  let node = root;
  let offset = 0;
  for (const part of path) {
    if (isSeq(node) && typeof part === 'number') {
      node = node.items[part];
      if (isNode(node)) offset = node.range?.[0] ?? offset;
    } else if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (isScalar(pair?.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair?.value;
    } else break;
  }
  return offset;
}

/**
 * Nobody is reached by a number that is none, wherever it stands. That a variable is not set keeps no process from
 * starting: it may page others. @throws ConfigurationError naming the variables, never what they hold
 */
export function refuseWrongVariables(onCall: OnCall, env: (name: string) => string | undefined): void {
  const wrong = Object.entries(onCall.people).flatMap(([person, { channels }]) =>
    channels.flatMap((contact) => {
      const found = variableProblem(contact, env);
      return found && found.problem !== 'is not set' ? `${person}: ${found.variable} ${found.problem}` : [];
    }),
  );
  if (wrong.length === 0) return;
  throw new ConfigurationError(`${FILE} names variables that reach nobody`, {
    detail: wrong.join('\n'),
    hint: 'Correct the variables, then: npx nighttrain doctor',
  });
}

/**
 * The on-call file of a worker that runs: read again when it has changed, so that a new rota needs no restart. One that
 * was broken meanwhile, or is gone, pages the people of before, and says so in the log: nobody is spared by a mistake.
 */
export class OnCallFile {
  readonly #root: string;
  readonly #datasets: readonly string[];
  readonly #log: Logger;
  #current: OnCall | undefined;
  #version: string;

  /** @throws ConfigurationError where it is broken from the start */
  constructor(projectRoot: string, datasets: Iterable<string>, log: Logger) {
    this.#root = projectRoot;
    this.#datasets = [...datasets];
    this.#log = log;
    this.#version = this.#versionNow();
    this.#current = readOnCall(projectRoot, this.#datasets);
  }

  /** Undefined where there never was one. */
  get current(): OnCall | undefined {
    const version = this.#versionNow();
    if (version === this.#version) return this.#current;
    this.#version = version;
    try {
      const onCall = readOnCall(this.#root, this.#datasets);
      if (!onCall) {
        this.#log.error({ file: FILE }, 'the on-call file is gone; that of before stays in force');
        return this.#current;
      }
      this.#current = onCall;
      this.#log.info({ file: FILE }, 'the on-call file was read again');
    } catch (error) {
      this.#log.error(
        { error: describe(error) },
        'the on-call file is broken; that of before stays in force',
      );
    }
    return this.#current;
  }

  #versionNow(): string {
    const found = statSync(join(this.#root, FILE), { throwIfNoEntry: false });
    return found ? `${found.mtimeMs} ${found.size} ${found.ino}` : 'none';
  }
}
