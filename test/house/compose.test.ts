import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

interface Service {
  readonly image?: string;
  readonly command?: string | string[];
  readonly restart?: string;
  readonly ports?: string[];
  readonly healthcheck?: { readonly test?: string[]; readonly disable?: boolean };
  readonly depends_on?: Record<string, { readonly condition: string }>;
  readonly environment?: Record<string, unknown>;
  readonly volumes?: (string | Mount)[];
}

interface Mount {
  readonly source: string;
  readonly target: string;
  readonly bind?: { readonly create_host_path?: boolean };
}

interface Compose {
  readonly services: Record<string, Service>;
  readonly volumes: Record<string, unknown>;
}

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const text = read('docker-compose.yml');
const compose = parse(text, { merge: true }) as Compose;
const services = Object.entries(compose.services);
const dependencies = services.flatMap(([name, { depends_on = {} }]) =>
  Object.entries(depends_on).map(([on, { condition }]) => ({ name, on, condition })),
);
const oneShots = new Set(
  [...dependencies]
    .filter(({ condition }) => condition === 'service_completed_successfully')
    .map(({ on }) => on),
);
/** `${NAME}`, `${NAME:-default}`, `${NAME:?message}`; `$$` is the shell's. */
const interpolations = [...text.matchAll(/(?<!\$)\$\{(\w+)(?:(:?[-?+])([^}]*))?\}/g)].map(
  ([, name = '', operator = '', word = '']) => ({ name, operator, word }),
);

describe('docker-compose.yml', () => {
  test('is what the Compose specification allows', () => {
    const schema = JSON.parse(read('node_modules/dclint/schemas/compose.schema.json')) as object;
    const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
    const isValid = ajv.compile({ ...schema, $schema: 'http://json-schema.org/draft-07/schema#' });
    isValid(compose);
    expect(isValid.errors).toBeNull();
    expect(isValid({ ...compose, services: { worker: { restarts: 'always' } } }), 'a typo').toBe(false);
  });

  test('no password has a default, and a missing one is asked for by name', () => {
    const secrets = interpolations.filter(({ name }) => /PASSWORD/.test(name));
    expect(new Set(secrets.map(({ name }) => name))).toEqual(
      new Set(['POSTGRES_PASSWORD', 'NIGHTTRAIN_LOADER_PASSWORD', 'TEMPORAL_DATABASE_PASSWORD']),
    );
    expect(secrets.filter(({ operator, word }) => operator !== ':?' || word === '')).toEqual([]);
    const tokens = interpolations.filter(({ name }) => /TOKEN|KEY|SECRET/.test(name));
    expect(tokens.filter(({ operator, word }) => operator !== ':-' || word !== '')).toEqual([]);
  });

  test('no password is written down', () => {
    const written = services.flatMap(([name, { environment = {} }]) =>
      Object.entries(environment)
        .filter(([key, value]) => /PASSWORD|PWD|_URL$/.test(key) && !/\$\{\w+:[?-]/.test(String(value)))
        .map(([key]) => `${name}: ${key}`),
    );
    expect(written).toEqual([]);
  });

  test('the superuser of the warehouse is known to the database and the migrations alone', () => {
    const knowing = services.filter(([, service]) => JSON.stringify(service).includes('${POSTGRES_PASSWORD'));
    expect(knowing.map(([name]) => name)).toEqual(['postgres', 'migrate']);
  });

  test('every variable that it reads is explained in .env.example', () => {
    const example = read('.env.example');
    const unexplained = interpolations.filter(({ name }) => !new RegExp(`^#?${name}=`, 'm').test(example));
    expect(unexplained.map(({ name }) => name)).toEqual([]);
  });

  test('every service has a health check, or runs once and is waited for', () => {
    const blind = services.filter(([name, { healthcheck }]) => !(healthcheck?.test ?? oneShots.has(name)));
    expect(blind.map(([name]) => name)).toEqual([]);
    const restartedForEver = services.filter(
      ([name, { restart = '' }]) => oneShots.has(name) !== restart.startsWith('on-failure:'),
    );
    expect(restartedForEver.map(([name]) => name)).toEqual([]);
  });

  test('a service waits for others that exist, until they are healthy or done', () => {
    const wrong = dependencies.filter(({ on, condition }) =>
      condition === 'service_healthy'
        ? compose.services[on]?.healthcheck?.test === undefined
        : condition !== 'service_completed_successfully' || compose.services[on] === undefined,
    );
    expect(wrong).toEqual([]);
  });

  test('ports are open to this host alone', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports.length).toBeGreaterThan(0);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  test('images are pinned to a version', () => {
    const images = services
      .map(([, { image = '' }]) => image)
      .filter((image) => image !== 'nighttrain:latest');
    expect(images.filter((image) => !/:\d+(\.\d+)*(-[\w.-]+)?$/.test(image))).toEqual([]);
  });

  test('named volumes are declared', () => {
    const used = services.flatMap(([, { volumes = [] }]) =>
      volumes.map((volume) => (typeof volume === 'string' ? volume.split(':')[0] : volume.source) ?? ''),
    );
    const named = used.filter((source) => /^\w+$/.test(source));
    expect(new Set(named)).toEqual(new Set(Object.keys(compose.volumes)));
  });

  test('two workers share the landing store, and wait for the migrations', () => {
    expect(compose.services['worker']).toMatchObject({
      deploy: { replicas: 2 },
      depends_on: { migrate: { condition: 'service_completed_successfully' } },
    });
  });

  test('those who page know who is on call, from a file that must be there; others need it not', () => {
    const mounts = services.flatMap(([name, { volumes = [] }]) =>
      volumes.flatMap((volume) => (typeof volume === 'string' ? [] : [{ name, volume }])),
    );
    const isOnCall = { target: '/app/dist/on-call.yaml', read_only: true, bind: { create_host_path: false } };
    expect(mounts).toMatchObject(['worker', 'watchdog'].map((name) => ({ name, volume: isOnCall })));
  });

  test('workers that the outside may call listen on the port that is published, and else on none', () => {
    const { ports = [], environment = {} } = compose.services['worker'] ?? {};
    expect(environment['NIGHTTRAIN_CALLBACK_PORT']).toBe('${NIGHTTRAIN_PUBLIC_URL:+0.0.0.0:8088}');
    expect(ports.map((port) => port.split(':').at(-1))).toEqual(['8088']);
  });

  test('the image asks its worker whether it is ready, and calls no provider for that', () => {
    const [, check = ''] = /^HEALTHCHECK ([^]*)/m.exec(read('Dockerfile')) ?? [];
    expect(check).toContain('/readyz');
    expect(check).not.toContain('doctor');
  });

  test('what the image is told to run are commands and options of nighttrain', () => {
    const ours = services.filter(([, { image }]) => image === 'nighttrain:latest');
    expect(ours.map(([name]) => name)).toEqual(['migrate', 'worker', 'watchdog']);
    for (const [, { command = [] }] of ours) {
      const [name = '', ...options] = command;
      const help = execFileSync(process.execPath, [join(ROOT, 'bin/nighttrain.js'), name, '--help'], {
        encoding: 'utf8',
      });
      expect(help).toContain(`Usage: nighttrain ${name} `);
      for (const option of options) expect(help).toContain(option);
    }
  });
});
