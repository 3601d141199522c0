import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import { type NightTrainError, TemporalUnavailable } from '../rules/errors.ts';
import { warehouseError } from '../warehouse/failure.ts';

/** What went wrong in a step that asks both engines, as one of our errors. */
export function engineError(error: unknown, doing: string): NightTrainError {
  const grpc = error instanceof ServiceError ? error.cause : error;
  if (!isGrpcServiceError(grpc)) return warehouseError(error, doing);
  return new TemporalUnavailable(`${doing}: Temporal answered ${grpc.details || grpc.message}`, {
    hint: 'Is it up, and does it let us in? npx nighttrain doctor',
    cause: error,
  });
}
