import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptError, Receipt } from '../../rules/attempt.ts';
import type { TestInstallation } from './installation.ts';
import { verify } from './verify.ts';

const DATASET = 'insurance-movements';
const PARTS = 5;

/** How a command that followed a month says that it ended. */
export interface MonthEnd {
  readonly state: string;
  readonly receipt: Receipt | null;
  readonly error: AttemptError | null;
}

/** A month of an insurer's movements in five parts, in the inbox of an installation. */
export class InsuranceMonth {
  readonly date: string;
  readonly rows: number;
  /** What a night will reject and deduplicate. */
  readonly rejected: number;
  readonly deduplicated: number;
  readonly #here: TestInstallation;

  private constructor(here: TestInstallation, date: string, day: GeneratedDay) {
    this.#here = here;
    this.date = date;
    this.rows = day.rows;
    this.rejected = Object.values(day.rejectedByRule).reduce((sum, rows) => sum + rows, 0);
    this.deduplicated = day.deduplicated;
  }

  /** @param badPercent of its rows, damaged in every way in turn */
  static async generate(
    here: TestInstallation,
    date: string,
    rows: number,
    badPercent = 0,
  ): Promise<InsuranceMonth> {
    const size = ['--rows', String(rows), '--parts', String(PARTS), '--bad', String(badPercent)];
    const where = ['--seed', 'bad input', '--from', date, '--out', here.inbox];
    const made = await here.json<{ days: GeneratedDay[] }>(['generate', 'insurance', ...size, ...where]);
    return new InsuranceMonth(here, date, made.days[0] as GeneratedDay);
  }

  /** The file of a part, from 1. */
  part(number: number): string {
    const five = (figure: number) => String(figure).padStart(5, '0');
    return join(this.#here.inbox, DATASET, `${this.date}-${five(number)}-of-${five(PARTS)}.csv`);
  }

  async bytes(): Promise<number> {
    const sizes = Array.from({ length: PARTS }, async (_, index) => (await stat(this.part(index + 1))).size);
    return (await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0);
  }

  readonly run = (): Promise<MonthEnd> => this.#here.json(['run', DATASET, '--date', this.date]);

  readonly replay = (reason: string, ...more: readonly string[]): Promise<MonthEnd> =>
    this.#here.json(['replay', DATASET, this.date, '--reason', reason, ...more]);

  /** `run` as a command that goes on, and says every try. */
  readonly start = () => this.#here.start(['run', DATASET, '--date', this.date]);

  /** `replay` as such a command. */
  readonly startReplay = (reason: string) =>
    this.#here.start(['replay', DATASET, this.date, '--reason', reason]);

  /** Rows that readers see. */
  async loaded(): Promise<number> {
    const [published] = await this.#here.ask<{ rows: number }>(
      'select count(*)::int as rows from warehouse.insurance_movement where business_date = $1',
      [this.date],
    );
    return published?.rows ?? 0;
  }

  /** The attempts at it, as `show` has them. */
  async attempts(): Promise<Record<string, unknown>[]> {
    const shown = await this.#here.json<{ attempts: Record<string, unknown>[] }>([
      'show',
      DATASET,
      this.date,
    ]);
    return shown.attempts;
  }

  /** Of rules that alerts are open for. */
  async alerts(): Promise<string[]> {
    const rows = await this.#here.ask<{ rule: string }>(
      `select rule from nighttrain.alert where business_date = $1 and resolved_at is null order by rule`,
      [this.date],
    );
    return rows.map(({ rule }) => rule);
  }

  /** Rows that quarantine's table has of all attempts. */
  async quarantined(): Promise<number> {
    const [kept] = await this.#here.ask<{ rows: number }>(
      'select count(*)::int as rows from nighttrain.quarantine where dataset = $1 and business_date = $2',
      [DATASET, this.date],
    );
    return kept?.rows ?? 0;
  }

  /** What a night that did not load must not leave, a sentence each. */
  readonly leftovers = async (): Promise<string[]> => {
    const rows = await this.loaded();
    const files = await readdir(join(this.#here.home, 'landing'), { recursive: true }).catch(() => []);
    return [
      ...(rows > 0 ? [`${rows} rows are published`] : []),
      ...files.filter((name) => name.includes('~')).map((name) => `${name} was never finished`),
      ...(await verify(this.#here.database)), // tables and sessions, too
    ];
  };
}

interface GeneratedDay {
  readonly rows: number;
  readonly rejectedByRule: Readonly<Record<string, number>>;
  readonly deduplicated: number;
}
