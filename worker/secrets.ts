import { variablesNamed } from '../alerting/paging/on-call.ts';
import { ConfigurationError } from '../rules/errors.ts';
import type { Config } from './config.ts';

const SECRET_NAME = /(PASSWORD|SECRET|TOKEN|API_KEY|ROUTING_KEY|OTLP(_LOGS)?_HEADERS)$/;
/** Who knows such a URL may use it: it is a secret as a whole. */
const SECRET_URL_NAME = /(HOOK|DEADMAN)(_URL)?$/;

/**
 * Values that the environment calls secret, those that the on-call file takes from it, and passwords inside of its
 * URLs, each also where it stands in a file (R17).
 */
export function secretsOf({
  environment,
  env,
  projectRoot,
}: Pick<Config, 'environment' | 'env' | 'projectRoot'>): string[] {
  const addresses = variablesNamed(projectRoot);
  const names = new Set([
    ...Object.keys(environment).map((name) => name.replace(/_FILE$/, '')),
    ...addresses,
  ]);
  return [...names].flatMap((name) => {
    const isWhole = SECRET_NAME.test(name) || SECRET_URL_NAME.test(name) || addresses.has(name);
    if (!isWhole && !name.endsWith('_URL')) return []; // a file that no variable of ours names is not read
    const value = readable(name, env);
    return isWhole ? [value] : passwordsIn(value);
  });
}

/** Empty where it stands in a file that cannot be read: nobody leaks that, and whoever needs it says so himself. */
function readable(name: string, env: Config['env']): string {
  try {
    return env(name) ?? '';
  } catch (error) {
    if (error instanceof ConfigurationError) return '';
    throw error;
  }
}

/** The password of a URL, as it stands there and as whoever lets us in knows it. */
function passwordsIn(url: string): string[] {
  if (!URL.canParse(url)) return [];
  const { password } = new URL(url);
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password]; // a bare % is no escape, and nobody decodes it
  }
}
