import { createProcess, type Process } from '../process.ts'
import { createScheduler, type Scheduler } from '../scheduler.ts'
import { createWire, type Wire } from './wire.ts'

/** A process and a wire on which nothing goes wrong, to ask a simulated server alone. Test tool. */
export type Bench = { scheduler: Scheduler; process: Process; wire: Wire; settle: <T>(work: Promise<T>) => Promise<T> }

const SETTLE_MAX_MS = 60_000

export function createBench(): Bench {
  const scheduler = createScheduler()
  const process = createProcess({ scheduler, seed: 1, instance: 'bench', life: 1, faultAt: () => undefined })
  const wire = createWire({ scheduler, kill: () => {} })
  /** Lets virtual time pass until `work` is done. */
  const settle = async <T>(work: Promise<T>): Promise<T> => {
    let done = false
    const end = (): void => {
      done = true
    }
    work.then(end, end)
    await scheduler.runUntil(scheduler.now() + SETTLE_MAX_MS, () => done)
    if (!done) throw new Error('the simulated server did not answer')
    return work
  }
  return { scheduler, process, wire, settle }
}

/** What came of a call, in a form that two servers can be compared by: its value, or the first word of its refusal. */
export async function outcomeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    return { value: await work }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return { refused: code ?? (error instanceof Error ? error.message.split(' ')[0] : String(error)) }
  }
}
