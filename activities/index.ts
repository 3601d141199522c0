import { createAuditNight } from './audit.ts';
import { createAuditWarehouse } from './audit-warehouse.ts';
import { createCheckDeliveries } from './check-deliveries.ts';
import { createCloseAttempt } from './close-attempt.ts';
import { createRebootAll } from './cold-reboot.ts';
import type { Deps } from './deps.ts';
import { createEndRun } from './end-run.ts';
import { createAcknowledgeAlert, createEndEscalation, createPlanEscalation } from './escalation.ts';
import { createExtract } from './extract.ts';
import { createFoldMonths } from './fold-months.ts';
import { createLoad } from './load.ts';
import { createPageLevel } from './page-level.ts';
import { createNotLoaded, createPlanNight } from './plan-night.ts';
import { createRaiseEnd } from './raise-end.ts';
import { createAnswerRequest, createJudgeRequest } from './requests.ts';
import { createSweepNights, createSweepStorage } from './sweep.ts';
import { createTakeOver } from './take-over.ts';
import { createTransform } from './transform.ts';

export type { PlannedNight } from './plan-night.ts';
export type { TakenOver } from './take-over.ts';

/** Every step, closed over what it works with; workflows know only the type. */
export function createActivities(deps: Deps) {
  return {
    takeOver: createTakeOver(deps),
    extract: createExtract(deps),
    transform: createTransform(deps),
    load: createLoad(deps),
    auditNight: createAuditNight(deps),
    closeAttempt: createCloseAttempt(deps),
    raiseEnd: createRaiseEnd(deps),
    planNight: createPlanNight(deps),
    notLoaded: createNotLoaded(deps),
    judgeRequest: createJudgeRequest(deps),
    answerRequest: createAnswerRequest(deps),
    endRun: createEndRun(deps),
    rebootAll: createRebootAll(deps),
    planEscalation: createPlanEscalation(deps),
    pageLevel: createPageLevel(deps),
    checkDeliveries: createCheckDeliveries(deps),
    acknowledgeAlert: createAcknowledgeAlert(deps),
    endEscalation: createEndEscalation(deps),
    sweepNights: createSweepNights(deps),
    sweepStorage: createSweepStorage(deps),
    sweepAudits: createAuditWarehouse(deps),
    foldMonths: createFoldMonths(deps),
  };
}

export type Activities = ReturnType<typeof createActivities>;
