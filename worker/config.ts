import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { ConfigurationError } from '../rules/errors.ts';
import { MONITORING_VARIABLES, monitoringOf, type Monitoring } from './monitoring.ts';
import { PAGING_VARIABLES, pagingOf, pagingProblems, type Paging } from './paging.ts';
import { findProjectRoot } from './project.ts';

/** Everything that the environment says; this module alone reads it (§2). */
export interface Config {
  readonly projectRoot: string;
  /** State of this installation: embedded engines, landing, credentials. */
  readonly home: string;
  readonly inbox: string;
  /** An existing PostgreSQL; undefined where the embedded one is used. */
  readonly databaseUrl: string | undefined;
  /** For migrations, where that is another login than the worker's. */
  readonly adminDatabaseUrl: string | undefined;
  readonly loaderPassword: string | undefined;
  /** An existing Temporal; undefined where the embedded one is used. */
  readonly temporalAddress: string | undefined;
  readonly temporalNamespace: string;
  readonly logLevel: string;
  /** How people are reached when a night fails. */
  readonly paging: Paging;
  readonly monitoring: Monitoring;
  /** Any variable, for sources that name their own; `<NAME>_FILE` is read where `<NAME>` is not set (R17). */
  readonly env: (name: string) => string | undefined;
  /** Started by `npx` or `npm exec`, whose process stands between us and whoever ends it. */
  readonly isUnderNpm: boolean;
  /** The whole environment, for the programs that we start. */
  readonly environment: NodeJS.ProcessEnv;
}

const postgresUrl = z
  .string()
  .refine((value) => /^postgres(ql)?:\/\//.test(value) && URL.canParse(value), 'is not a postgres:// URL');

const schema = z.object({
  NIGHTTRAIN_HOME: z.string().min(1).optional(),
  NIGHTTRAIN_INBOX: z.string().min(1).optional(),
  NIGHTTRAIN_DATABASE_URL: postgresUrl.optional(),
  NIGHTTRAIN_ADMIN_DATABASE_URL: postgresUrl.optional(),
  NIGHTTRAIN_LOADER_PASSWORD: z.string().min(8, 'is shorter than 8 characters').optional(),
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s:/]+:\d{1,5}$/, 'is not host:port')
    .optional(),
  TEMPORAL_NAMESPACE: z.string().min(1).optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).optional(),
  ...PAGING_VARIABLES,
  ...MONITORING_VARIABLES,
});

/**
 * Reads and checks the environment and the project's `.env`; a variable that is set already wins.
 * @throws ConfigurationError naming every variable that is wrong, at once
 */
export function readConfig(from = process.cwd()): Config {
  const projectRoot = findProjectRoot(from);
  const envFile = join(projectRoot, '.env');
  if (existsSync(envFile)) process.loadEnvFile(envFile);
  const given: Readonly<Record<string, string | undefined>> = Object.fromEntries(
    Object.keys(schema.shape).map((name) => [name, environmentVariable(name)]),
  );
  const parsed = schema.safeParse(given);
  const problems = [
    ...(parsed.error?.issues ?? []).map(({ path, message }) => `${path.join('.')} ${message}`),
    ...pagingProblems(given),
  ];
  if (!parsed.success || problems.length > 0) {
    throw new ConfigurationError('The environment is set up wrong', {
      detail: problems.join('\n'),
      hint: '.env.example lists every variable.',
    });
  }
  const values = parsed.data;
  const home = resolve(projectRoot, values.NIGHTTRAIN_HOME ?? '.nighttrain');
  return {
    projectRoot,
    home,
    inbox: resolve(projectRoot, values.NIGHTTRAIN_INBOX ?? join(home, 'inbox')),
    databaseUrl: values.NIGHTTRAIN_DATABASE_URL ?? values.NIGHTTRAIN_ADMIN_DATABASE_URL,
    adminDatabaseUrl: values.NIGHTTRAIN_ADMIN_DATABASE_URL,
    loaderPassword: values.NIGHTTRAIN_LOADER_PASSWORD,
    temporalAddress: values.TEMPORAL_ADDRESS,
    temporalNamespace: values.TEMPORAL_NAMESPACE ?? 'default',
    logLevel: values.LOG_LEVEL ?? 'info',
    paging: pagingOf(values),
    monitoring: monitoringOf(values),
    env: environmentVariable,
    isUnderNpm: environmentVariable('npm_command') === 'exec',
    environment: process.env,
  };
}

/** The whole environment, for a program that is no part of any installation. */
export const processEnvironment = (): NodeJS.ProcessEnv => process.env;

/** The same installation, with variables that a command of ours sets for the sources. */
export function withVariables(config: Config, variables: Readonly<Record<string, string>>): Config {
  return { ...config, env: (name) => variables[name] ?? config.env(name) };
}

/** A variable, or the contents of the file that `<NAME>_FILE` names; empty counts as not set. */
export function environmentVariable(name: string): string | undefined {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  const file = process.env[`${name}_FILE`];
  if (file === undefined || file === '') return undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new ConfigurationError(`${name}_FILE names a file that cannot be read: ${file}`, { cause });
  }
}
