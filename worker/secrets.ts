import type { Config } from './config.ts';

const SECRET_NAME = /(PASSWORD|SECRET|TOKEN|API_KEY|ROUTING_KEY|OTLP(_LOGS)?_HEADERS)(_FILE)?$/;
/** Who knows such a URL may use it: it is a secret as a whole. */
const SECRET_URL_NAME = /(HOOK|DEADMAN)(_URL)?(_FILE)?$/;

/** Values that the environment calls secret, and passwords inside of its URLs (R17). */
export function secretsOf({ environment, env }: Pick<Config, 'environment' | 'env'>): string[] {
  return Object.entries(environment).flatMap(([name, value = '']) => {
    if (SECRET_NAME.test(name) || SECRET_URL_NAME.test(name)) return [env(name.replace(/_FILE$/, '')) ?? ''];
    if (!name.endsWith('_URL') || !URL.canParse(value)) return [];
    const { password } = new URL(value);
    return [password, decodeURIComponent(password)];
  });
}
