import { attemptEntity } from './attempt.ts';
import { auditResultEntity } from './audit-result.ts';
import { loadBatchEntity } from './load-batch.ts';
import { policyEntity } from './dataset-policy.ts';
import { quarantineEntity } from './quarantine.ts';
import { requestEntity } from './request.ts';
import { runFenceEntity } from './run-fence.ts';

export const entities = [
  attemptEntity,
  auditResultEntity,
  loadBatchEntity,
  policyEntity,
  quarantineEntity,
  requestEntity,
  runFenceEntity,
];
