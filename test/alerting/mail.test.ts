import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Email } from '../../alerting/channels/email.ts';
import { ChannelUnavailable, NightTrainError } from '../../rules/errors.ts';
import { BRISK, never } from '../support/channels.ts';
import { refusalOf } from '../support/intake.ts';
import { pageOf } from '../support/pages.ts';
import { SmtpStub } from '../support/smtp.ts';

describe('a mail', () => {
  test('is sent over TLS when the URL says smtps, and not to a server whose certificate nobody vouches for', async () => {
    await using stub = await SmtpStub.start({ secure: true });
    const refusal = await refusalOf(
      new Email({ smtpUrl: stub.url.replace('smtp:', 'smtps:'), from: 'nt@example.com' }, BRISK).send(
        pageOf(),
        'ana@example.com',
        never(),
      ),
    );
    expect(refusal).toBeInstanceOf(ChannelUnavailable);
    const trusted = `${stub.url.replace('smtp:', 'smtps:')}?tls.rejectUnauthorized=false`;
    await new Email({ smtpUrl: trusted, from: 'nt@example.com' }, BRISK).send(
      pageOf(),
      'ana@example.com',
      never(),
    );
    expect(stub.mails.map(({ to }) => to)).toEqual([['ana@example.com']]);
  });

  test('goes to one mailbox, whatever its name, and says that a machine wrote it', async () => {
    await using stub = await SmtpStub.start();
    const setup = { smtpUrl: stub.url, from: 'Night Train <nt@example.com>' };
    await new Email(setup, BRISK).send(
      pageOf({ sentence: 'one\r\nBcc: eve@example.com' }),
      'ana@example.com',
      never(),
    );
    expect(stub.mails).toMatchObject([{ from: 'nt@example.com', to: ['ana@example.com'] }]);
    expect(stub.mails[0]?.source).toMatch(/^Auto-Submitted: auto-generated/m);
    expect(stub.mails[0]?.source).not.toMatch(/^Bcc/m);
  });

  test('that the server took has reached nobody yet', async () => {
    await using stub = await SmtpStub.start();
    const handed = await new Email({ smtpUrl: stub.url, from: 'nt@example.com' }).send(
      pageOf(),
      'a@b.c',
      never(),
    );
    expect(handed).toEqual({
      state: 'sent',
      providerId: expect.stringMatching(/^<.+@nighttrain>$/) as unknown,
    });
  });

  test.each([
    ['a wrong password', 'smtp://pager:wrong-password@', 'nt@example.com'],
    ['a sender that the server does not take', 'smtp://', 'nobody@example.com'],
  ])('with %s is a matter of configuration', async (_, start, from) => {
    await using stub = await SmtpStub.start();
    const email = new Email({ smtpUrl: stub.url.replace('smtp://', start), from }, BRISK);
    const refusal = await refusalOf(email.send(pageOf(), 'ana@example.com', never()));
    expect(refusal).toBeInstanceOf(NightTrainError);
    expect(refusal.name).toBe('ConfigurationError');
    expect(inspect(refusal)).not.toContain('wrong-password');
  });
});
