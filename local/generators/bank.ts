import { addDays, type BusinessDate } from '../../rules/business-date.ts';
import { UsageError } from '../../rules/errors.ts';
import { daysSince1999, BEFORE_ALL } from './calendar.ts';
import { chanceOf, pick, type Chance } from './chance.ts';
import {
  BIRTHDAYS,
  COUNTRIES,
  CURRENCIES,
  FIRST_NAMES,
  KIND_OF,
  LAST_NAMES,
  PAST_DAYS,
  TRANSACTION_FLAWS,
} from './bank-words.ts';
import { word, words } from './page.ts';
import type { GeneratedTable, OpenedSet, SetOptions } from './table.ts';

const TRANSACTIONS_OF_AN_ACCOUNT = 22;
const FEWEST_ACCOUNTS = 10;
const FIRST_ACCOUNT = 1_000_001;
const FIRST_CUSTOMER = 500_001;

/**
 * Customers, accounts and transactions: an account's opening balance and its transactions, but for those that damage
 * takes from the night, make its closing balance, day after day.
 * @throws UsageError where more accounts are to drift than there are
 */
export function openBank(options: SetOptions): OpenedSet {
  return new Bank(options);
}

class Bank implements OpenedSet {
  drifted: readonly number[] = [];
  readonly #options: SetOptions;
  /** Of the whole bank, whatever the day. */
  readonly #chance: Chance;
  readonly #accounts: number;
  readonly #customers: number;
  // Of each account: hundredths before and after the last day that moved it, and that day, since 1999; 0 where none did.
  readonly #opening: Float64Array;
  readonly #closing: Float64Array;
  readonly #movedOn: Int32Array;

  constructor(options: SetOptions) {
    this.#options = options;
    this.#chance = chanceOf(`bank ${options.seed}`);
    this.#accounts = Math.max(FEWEST_ACCOUNTS, Math.ceil(options.rows / TRANSACTIONS_OF_AN_ACCOUNT));
    if (options.drift > this.#accounts) {
      throw new UsageError(
        `Of ${this.#accounts} accounts, which have ${options.rows} transactions a day, ${options.drift} cannot drift`,
        { hint: 'Ask for fewer with --drift, or for more transactions with --rows.' },
      );
    }
    this.#customers = Math.ceil(this.#accounts * 0.8);
    this.#opening = Float64Array.from(
      { length: this.#accounts },
      (_, account) => this.#chance(account, 0) % 5_000_000,
    );
    this.#closing = this.#opening.slice();
    this.#movedOn = new Int32Array(this.#accounts);
  }

  *tablesOf(date: BusinessDate): Generator<GeneratedTable, void> {
    const today = daysSince1999(date);
    yield this.#transactionsOf(date, today);
    this.#driftOn(date, today);
    yield this.#accountsNow();
    yield this.#allCustomers();
  }

  #transactionsOf(date: BusinessDate, today: number): GeneratedTable {
    const { rows, seed } = this.#options;
    const chance = chanceOf(`transactions ${seed} ${date}`);
    const firstId = today * 100_000_000 + 1;
    const seconds = words(clock(date));
    const drawn = (row: number) => {
      const [account, kind, money] = [
        chance(row, 0) % this.#accounts,
        pick(KIND_OF, chance(row, 1)),
        chance(row, 2),
      ];
      const { sign, atLeast, unit } = kind;
      const cents = sign * (atLeast + Math.floor(unit * (money & 0x1ff) * ((money >>> 9) & 0x1ff)));
      return { account, kind, money, cents };
    };
    return {
      dataset: 'bank-transactions',
      columns: ['transaction_id', 'booked_at', 'account_id', 'kind', 'amount', 'label'],
      rows,
      isFact: true,
      flaws: TRANSACTION_FLAWS,
      writeRow: (page, row) => {
        const { account, kind, money, cents } = drawn(row);
        const { start, labels } = kind;
        page.integer(firstId + row);
        page.word(seconds[Math.floor((row * seconds.length) / rows)] ?? word(''));
        page.integer(FIRST_ACCOUNT + account);
        page.word(start);
        page.cents(cents);
        page.word(pick(labels, money >>> 18));
        this.#move(account, cents, today);
      },
      loseRow: (row) => {
        const { account, cents } = drawn(row);
        this.#move(account, -cents, today);
      },
    };
  }

  #move(account: number, cents: number, today: number): void {
    const before = this.#closing[account] ?? 0;
    if (this.#movedOn[account] !== today) {
      this.#movedOn[account] = today;
      this.#opening[account] = before;
    }
    this.#closing[account] = before + cents;
  }

  /** Closing balances that the day's transactions do not explain, by 0.01 to 100.00. */
  #driftOn(date: BusinessDate, today: number): void {
    const chance = chanceOf(`drift ${this.#options.seed} ${date}`);
    const drifted = new Set<number>();
    for (let draw = 0; drifted.size < this.#options.drift; draw++) {
      let account = chance(draw, 0) % this.#accounts;
      while (drifted.has(account)) account = (account + 1) % this.#accounts;
      drifted.add(account);
      this.#move(account, 1 + (chance(draw, 1) % 10_000), today);
    }
    this.drifted = [...drifted].map((account) => FIRST_ACCOUNT + account).toSorted((a, b) => a - b);
  }

  #accountsNow(): GeneratedTable {
    const days = new Map<number, Uint8Array>();
    const dayWord = (day: number) => {
      const known = days.get(day) ?? word(addDays(BEFORE_ALL, day));
      days.set(day, known);
      return known;
    };
    return {
      dataset: 'bank-accounts',
      columns: [
        'account_id',
        'customer_id',
        'currency',
        'opened_on',
        'opening_balance',
        'closing_balance',
        'balance_on',
      ],
      rows: this.#accounts,
      isFact: false,
      flaws: [],
      writeRow: (page, account) => {
        page.integer(FIRST_ACCOUNT + account);
        page.comma();
        page.integer(FIRST_CUSTOMER + (account % this.#customers));
        page.word(pick(CURRENCIES, this.#chance(account, 1)));
        const openedOn = pick(PAST_DAYS, this.#chance(account, 2));
        page.cell(openedOn);
        page.cents(this.#opening[account] ?? 0);
        page.comma();
        page.cents(this.#closing[account] ?? 0);
        page.comma();
        const movedOn = this.#movedOn[account] ?? 0;
        page.word(movedOn === 0 ? openedOn : dayWord(movedOn));
        page.end();
      },
    };
  }

  #allCustomers(): GeneratedTable {
    const chance = this.#chance;
    return {
      dataset: 'bank-customers',
      columns: ['customer_id', 'name', 'born', 'country', 'since'],
      rows: this.#customers,
      isFact: false,
      flaws: [],
      writeRow: (page, customer) => {
        page.integer(FIRST_CUSTOMER + customer);
        page.word(pick(FIRST_NAMES, chance(customer, 3)));
        page.word(pick(LAST_NAMES, chance(customer, 4)));
        page.cell(pick(BIRTHDAYS, chance(customer, 5)));
        page.cell(pick(COUNTRIES, chance(customer, 6)));
        page.word(pick(PAST_DAYS, chance(customer, 7)));
        page.end();
      },
    };
  }
}

/** Every second of the day. */
function clock(date: BusinessDate): string[] {
  return Array.from({ length: 86_400 }, (_, second) => {
    const time = new Date(second * 1000).toISOString().slice(11, 19);
    return `,${date}T${time}Z,`;
  });
}
