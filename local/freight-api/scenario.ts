import { Type, type Static, type TObject, type TProperties } from 'typebox';

/**
 * What can be asked of the simulator, by `POST /control` or a scenario file: days that differ from the clean one
 * and faults to answer with. One schema for both, bounded everywhere.
 */

const Day = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' });

/** Which answers a fault strikes; what is left out matches all. */
const SCOPE = {
  path: Type.Optional(Type.Union([Type.Literal('/v1/stations'), Type.Literal('/v1/movements')])),
  date: Type.Optional(Day),
  /** From 1, by the `limit` of the request. */
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
  /** Answers that it strikes before it is over; left out, it lasts until it is cleared. */
  times: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
};

const Property = Type.String({ minLength: 1, maxLength: 100 });
const Headline = Type.String({ pattern: '^[\\x20-\\x7e]{0,100}$' });

function fault<Kind extends string, More extends TProperties>(kind: Kind, more: More) {
  return Type.Object({ fault: Type.Literal(kind), ...SCOPE, ...more }, { additionalProperties: false });
}

const FAULTS = {
  status: fault('status', {
    status: Type.Optional(Type.Integer({ minimum: 400, maximum: 599 })),
    /** Sent as it is, absurd or not: seconds, a date, nonsense. */
    retryAfter: Type.Optional(Headline),
  }),
  slowDrip: fault('slow-drip', {
    bytes: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    everyMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 600_000 })),
  }),
  truncated: fault('truncated', {}),
  reset: fault('reset', {}),
  blackHole: fault('black-hole', {}),
  html: fault('html', {}),
  brokenJson: fault('broken-json', {}),
  duplicatePage: fault('duplicate-page', {}),
  loopingCursor: fault('looping-cursor', {}),
  endlessPages: fault('endless-pages', {}),
  /** Of every record, or of the page around them. */
  missingProperty: fault('missing-property', { property: Property }),
  renamedProperty: fault('renamed-property', { property: Property, to: Property }),
  wrongType: fault('wrong-type', {
    property: Property,
    /** Which record of the page, from 1. */
    row: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  }),
  /** Spread over the whole day, exactly: `percent` of its records, or `rows` of them. */
  badRows: fault('bad-rows', {
    percent: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
    rows: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  }),
};

export type Fault = { [Name in keyof typeof FAULTS]: Static<(typeof FAULTS)[Name]> }[keyof typeof FAULTS];

/** How a day differs from the clean one; without a date, every day that is not named itself. */
const DayChange = Type.Object(
  {
    date: Type.Optional(Day),
    movements: Type.Optional(Type.Integer({ minimum: 0, maximum: 200_000 })),
    restatements: Type.Optional(Type.Integer({ minimum: 0, maximum: 20 })),
    unknownStations: Type.Optional(Type.Integer({ minimum: 0, maximum: 200_000 })),
    lateRows: Type.Optional(Type.Integer({ minimum: 0, maximum: 200_000 })),
  },
  { additionalProperties: false },
);
export type DayChange = Static<typeof DayChange>;

/** A scenario, as a file or a request holds it. */
export interface Scenario {
  readonly days?: readonly DayChange[];
  readonly faults?: readonly Fault[];
}

/** The schema that requests and scenario files are held to. A fault is told by its name, so that errors name the property. */
export const ScenarioSchema = Type.Object(
  {
    days: Type.Optional(Type.Array(DayChange, { maxItems: 1_000 })),
    faults: Type.Optional(
      Type.Array(
        Type.Unsafe<Fault>({
          type: 'object',
          required: ['fault'],
          discriminator: { propertyName: 'fault' },
          oneOf: Object.values(FAULTS) as TObject[],
        }),
        { maxItems: 100 },
      ),
    ),
  },
  { additionalProperties: false },
);
