/** A fenced block. */
export interface Fence {
  readonly language: string;
  /** What stands behind the language. */
  readonly info: string;
  readonly lines: readonly string[];
  /** Of its first line in the file, from 1. */
  readonly line: number;
}

/** What stands under one `## heading`. */
export interface Section {
  readonly title: string;
  readonly line: number;
  readonly text: string;
  readonly fences: readonly Fence[];
}

/** The parts of a Markdown file that a runbook is made of. */
export interface Markdown {
  /** Between two lines of `---` at the very top. */
  readonly head: string | undefined;
  /** Of its one `# heading`. */
  readonly title: string | undefined;
  readonly sections: readonly Section[];
}

interface OpenSection extends Section {
  readonly body: string[];
  readonly fences: Fence[];
}

/** Reads as much of Markdown as a runbook needs: front matter, headings and fenced blocks; the rest stays text. */
export function readMarkdown(text: string): Markdown {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const headEnd = lines[0] === '---' ? lines.indexOf('---', 1) : -1;
  const head = headEnd > 0 ? lines.slice(1, headEnd).join('\n') : undefined;
  let title: string | undefined;
  const sections: OpenSection[] = [];
  let fence: (Fence & { readonly lines: string[] }) | undefined;
  for (const [index, line] of lines.entries()) {
    if (index <= headEnd) continue;
    const section = sections.at(-1);
    if (fence) {
      if (/^```\s*$/.test(line)) fence = undefined;
      else fence.lines.push(line);
      section?.body.push(line);
      continue;
    }
    const [, language, info = ''] = /^```(\w*)\s*(.*)$/.exec(line) ?? [];
    const [, marks, heading = ''] = /^(#{1,2})\s+(.*?)\s*$/.exec(line) ?? [];
    if (language !== undefined) {
      fence = { language, info, lines: [], line: index + 1 };
      section?.fences.push(fence);
    }
    if (marks === '#') title ??= heading;
    else if (marks === '##')
      sections.push({ title: heading, line: index + 1, text: '', body: [], fences: [] });
    else section?.body.push(line);
  }
  return {
    head,
    title,
    sections: sections.map(({ body, ...section }) => ({ ...section, text: body.join('\n') })),
  };
}
