import { isStepVariable, type StepValues } from '../../rules/step-variables.ts';

/** A piece of a word: text as it stands, or the name of a variable. */
type Piece = string | { readonly variable: string };

/** A command as its words, before any value is known: values become part of a word, and never words of their own. */
export interface CommandLine {
  readonly words: readonly (readonly Piece[])[];
}

/** What would mean something to a shell, and means nothing here. */
const SHELL_ONLY = /[|&;<>`*?(){}[\]~\\]/;

/**
 * A command as a runbook has it: words between spaces, quotes around words that hold some, `$name` for a variable. It is
 * written so that a shell takes it too, and is read without one. @throws SyntaxError saying what is wrong with it
 */
export function parseCommandLine(text: string): CommandLine {
  const words: Piece[][] = [];
  let rest = text.trim();
  while (rest !== '') {
    const pieces: Piece[] = [];
    while (rest !== '' && !/^\s/.test(rest)) {
      const { taken, found } = takePiece(rest);
      pieces.push(...found);
      rest = rest.slice(taken);
    }
    words.push(pieces);
    rest = rest.trimStart();
  }
  return { words };
}

function takePiece(rest: string): { readonly taken: number; readonly found: readonly Piece[] } {
  const [first = ''] = rest;
  if (first === "'" || first === '"') {
    const end = rest.indexOf(first, 1);
    if (end < 0) throw new SyntaxError(`a ${first} is never closed`);
    const inside = rest.slice(1, end);
    return { taken: end + 1, found: first === "'" ? [inside] : piecesOf(inside) };
  }
  const [bare = ''] = /^[^\s'"]+/.exec(rest) ?? [];
  const [meant] = SHELL_ONLY.exec(bare) ?? [];
  if (meant !== undefined)
    throw new SyntaxError(`it is run without a shell, to which alone ${meant} means something`);
  return { taken: bare.length, found: piecesOf(bare) };
}

function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  for (const [whole, name] of text.matchAll(/\$(\w*)|[^$]+/g)) {
    if (name === '') throw new SyntaxError('a $ without the name of a variable');
    pieces.push(name === undefined ? whole : { variable: name });
  }
  return pieces;
}

/** The variables that a command names, each once. */
export function variablesOf({ words }: CommandLine): readonly string[] {
  const names = words.flat().flatMap((piece) => (typeof piece === 'string' ? [] : [piece.variable]));
  return [...new Set(names)];
}

/** The command's words, with values in the place of variables. @throws RangeError where one is missing */
export function argumentsOf({ words }: CommandLine, values: StepValues): string[] {
  const valueOf = (name: string): string => {
    const value = isStepVariable(name) ? values[name] : undefined;
    if (value === undefined) throw new RangeError(`no value for ${name}`);
    return value;
  };
  return words.map((pieces) =>
    pieces.map((piece) => (typeof piece === 'string' ? piece : valueOf(piece.variable))).join(''),
  );
}

/** Words as a person types them into a shell. */
export function typed(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
