import type { Scheduler } from '../scheduler.ts'
import type { Avisos } from './avisos.ts'
import { hookId, type NoticesState } from './notices-state.ts'
import type { Hook } from './plan.ts'

type ResumesDeps = {
  scheduler: Scheduler
  notices: NoticesState
  avisos: () => readonly Avisos[]
  hooks: readonly Hook[]
}

/** How often a merchant looks at a webhook whose receiver was gone, and asks again. */
const LOOK_EVERY_MS = 310

/** Merchants whose receivers were gone take their webhooks up again, until that is answered, and whenever they find them disabled. */
export function createResumes({ scheduler, notices, avisos, hooks }: ResumesDeps) {
  const done = new Set<number>()
  const isDone = (id: number): boolean => {
    const webhook = notices.webhooks.get(hookId(id))
    return webhook === undefined || (webhook.desativado_em === null && done.has(id))
  }
  const look = (hook: Hook): void => {
    const { id, comerciante } = hook
    scheduler.after(LOOK_EVERY_MS, () => look(hook))
    const [target] = avisos()
    if (isDone(id) || target === undefined) return
    done.delete(id)
    scheduler.note(`client  ${comerciante} takes webhook ${id} up again`)
    target.resume(comerciante, hookId(id)).then(
      (found) => void (found && done.add(id)),
      () => {},
    )
  }
  return {
    begin: look,
    areDone: (): boolean => hooks.every(({ id, gone }) => gone === undefined || isDone(id)),
    /** A restored database does not know of it. */
    forget: () => done.clear(),
  }
}
