import type { DataSource } from 'typeorm';
import type { AttemptRow } from './entities/attempt.ts';
import { epochsOf } from './closed-attempt.ts';

/** How often a rule struck in one attempt. */
export interface RuleCount {
  readonly rule: string;
  /** Rows in quarantine's table. */
  readonly kept: number;
  /** At fault; null where it is none, or several. */
  readonly column: string | null;
  /** Why, in the words of one of its rows. */
  readonly reason: string;
  /** Where its first rows are, at most five: the line of the landed file, or the record where there are no lines. */
  readonly samples: readonly {
    readonly part: number;
    readonly record: number;
    readonly line: number | null;
  }[];
}

/** The rejected rows of an attempt by rule, the most frequent first. */
export async function countByRule(
  warehouse: DataSource,
  attempt: Pick<AttemptRow, 'dataset' | 'businessDate' | 'epoch' | 'loadEpoch'>,
): Promise<RuleCount[]> {
  return warehouse.query<RuleCount[]>(
    `with kept as (
       select rule, part, record, line, column_name, reason,
         row_number() over (partition by rule order by part, record) as place
       from nighttrain.quarantine
       where dataset = $1 and business_date = $2 and epoch = any($3::bigint[])
     )
     select rule, count(*) as kept,
       case when count(distinct coalesce(column_name, '')) = 1 then max(column_name) end as column, max(reason) filter (where place = 1) as reason,
       jsonb_agg(jsonb_build_object('part', part, 'record', record, 'line', line) order by place)
         filter (where place <= 5) as samples
     from kept group by rule order by count(*) desc, rule`,
    [attempt.dataset, attempt.businessDate, epochsOf(attempt)],
  );
}
