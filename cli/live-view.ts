import {
  DefaultRenderer,
  Listr,
  ListrLogger,
  ProcessOutput,
  type ListrTaskWrapper,
  type SimpleRenderer,
} from 'listr2';
import type { StepProgress } from '../workflows/messages.ts';
import type { LoadLook } from './load-look.ts';
import { figuresOf, paceOf, retrySentence, type StepView } from './step-view.ts';

const STEPS: readonly StepProgress['name'][] = ['take over', 'extract', 'transform', 'load', 'audit'];

type Task = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>;

interface RunningTask {
  readonly name: StepProgress['name'];
  readonly task: Task;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The steps as a list that moves, on stderr: stdout belongs to the answer. */
export class LiveView implements StepView {
  #look: LoadLook = { steps: [], rows: 0, bytes: 0, rowsPerSecond: 0, retries: [] };
  #isLoaded: boolean | undefined;
  #running: RunningTask | undefined;
  readonly #whole: Promise<unknown>;

  constructor() {
    const tasks = STEPS.map((name) => ({
      title: name,
      task: (_: unknown, task: Task) =>
        new Promise<void>((resolve, reject) => {
          this.#running = { name, task, resolve, reject };
          this.#apply();
        }),
    }));
    const processOutput = new ProcessOutput(process.stderr, process.stderr);
    const logger = new ListrLogger({ processOutput, useIcons: true });
    const list = new Listr(tasks, {
      renderer: DefaultRenderer,
      rendererOptions: { logger, showErrorMessage: false },
      registerSignalListeners: false, // Ctrl-C is ours: it cancels the load
    });
    this.#whole = list.run().catch(() => undefined); // the failed step is marked; why is said below the list
  }

  show(look: LoadLook): void {
    this.#look = { ...look, steps: look.steps ?? this.#look.steps };
    this.#apply();
  }

  async end(isLoaded: boolean): Promise<void> {
    this.#isLoaded = isLoaded;
    this.#apply();
    await this.#whole;
  }

  /** Brings the running task in line; the next one begins by itself once this one is settled. */
  #apply(): void {
    const running = this.#running;
    if (!running) return;
    const step = this.#look.steps?.find(({ name }) => name === running.name);
    const figures = step ? figuresOf(step) : '';
    if (!step && this.#hasBegunAfter(running.name)) {
      running.task.skip();
      running.resolve();
    } else if (step?.state === 'done') {
      running.task.title = `${running.name} ${figures}`;
      running.resolve();
    } else if (this.#isLoaded === true) {
      if (!step) running.task.skip();
      running.resolve();
    } else if (this.#isLoaded === false) {
      running.reject(new Error(running.name));
    } else if (step) {
      running.task.output = [...this.#look.retries.map(retrySentence), paceOf(step, this.#look)]
        .filter(Boolean)
        .join('\n');
    }
  }

  /** A night may do without a step. */
  #hasBegunAfter(name: StepProgress['name']): boolean {
    const later = STEPS.slice(STEPS.indexOf(name) + 1);
    return this.#look.steps?.some((step) => later.includes(step.name)) ?? false;
  }
}
