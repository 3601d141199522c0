import { expect, test } from 'vitest';
import { maskedAddress } from '../../alerting/masked-address.ts';

test.each([
  ['+33612345678', '+33***678'],
  ['ada.lovelace@example.com', 'a***@example.com'],
  ['slack https://hooks.slack.com/services/T0/B0/secret', 'slack https://hooks.slack.com/***'],
  ['json http://user:password@10.0.0.1:8080/x?token=1', 'json http://10.0.0.1:8080/***'],
  ['slack $SLACK_URL', 'slack $SLACK_URL'],
  ['$ADA_NUMBER', '$ADA_NUMBER'],
  ['who knows', '***'],
])('R17: %s is shown as %s', (address, shown) => {
  expect(maskedAddress(address)).toBe(shown);
});
