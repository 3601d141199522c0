import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/**
 * Markdown as a terminal shows it: headings, tables in columns, commands that can be copied, emphasis where there is
 * color. The libraries for it are large, and bend tables and long commands to a width of their own.
 */
export function renderMarkdown(text: string, { isColored }: { readonly isColored: boolean }): string {
  const paint = (style: Style, what: string) =>
    isColored ? styleText(style, what, { validateStream: false }) : what;
  const lines = text.replace(/^---\n([\s\S]*?)\n---\n/, (_, head: string) => `${head}\n`).split('\n');
  const shown: string[] = [];
  let isInside = false;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const [, marks = '', heading = ''] = /^(#{1,6})\s+(.*)$/.exec(line) ?? [];
    if (line.startsWith('```')) isInside = !isInside;
    else if (isInside) shown.push(`    ${paint('cyan', line)}`);
    else if (marks !== '') shown.push(paint('bold', marks === '#' ? heading.toUpperCase() : heading));
    else if (line.startsWith('|')) {
      const end = lines.findIndex((other, at) => at > index && !other.startsWith('|'));
      const rows = lines.slice(index, end < 0 ? undefined : end);
      shown.push(...tableOf(rows, (row) => paint('bold', row)).map((row) => inline(row, paint)));
      index += rows.length - 1;
    } else shown.push(inline(line, paint));
  }
  return shown
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

/** Marks are left out where nothing is colored, too: `**now**` is no word. */
function inline(line: string, paint: (style: Style, what: string) => string): string {
  return line
    .replaceAll(/\*\*([^*]+)\*\*/g, (_, words: string) => paint('bold', words))
    .replaceAll(/`([^`]+)`/g, (_, words: string) => paint('cyan', words))
    .replaceAll(/\[([^\]]+)\]\(([^)]+)\)/g, (_, words: string, target: string) => `${words} (${target})`);
}

function tableOf(rows: readonly string[], asHeading: (row: string) => string): string[] {
  const cells = rows
    .filter((row) => !/^\|[\s:|-]+\|$/.test(row))
    .map((row) =>
      row
        .replace(/^\|/, '')
        .replace(/\|\s*$/, '')
        .split('|')
        .map((cell) => cell.trim()),
    );
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => bare(row[column] ?? '').length)),
  );
  return cells.map((row, index) => {
    const padded = row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - bare(cell).length));
    const line = `  ${padded.join('   ')}`.trimEnd();
    return index === 0 ? asHeading(line) : line;
  });
}

/** As wide as it is shown. */
const bare = (cell: string): string => inline(cell, (_, what) => what);
