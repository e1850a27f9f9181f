import type { OpenAPIHono } from '@hono/zod-openapi'
import type { AppEnv } from './env.ts'

/** Something that an answer may need. `required` ones make the process not ready; the others are only reported. */
export type HealthCheck = {
  name: string
  required: boolean
  /** Resolves when it works; rejects, or is aborted by `signal`, when it does not. */
  check: (signal: AbortSignal) => Promise<void>
}

/** What must be there before a module starts, such as its database's schema. */
type Gate = {
  /** Rejects, in words for an operator (`NotReady`), while it is not: the process is not ready then. */
  check: () => Promise<void>
  /** Resolves when it is, or after `stop`. */
  wait: () => Promise<void>
  stop: () => void
}

/** A service as a part of a process: what it answers, and how it starts and leaves. */
export type AppModule = {
  name: string
  routes: OpenAPIHono<AppEnv>
  checks: HealthCheck[]
  gate?: Gate
  start(): Promise<void>
  /** Ends answers that would never end by themselves, such as streams of events; called once the listener has closed. */
  leave?(): void
  /** Stops taking work (consumer, relay) and finishes what is under way; databases and Redis stay open. */
  drain(): Promise<void>
  /** Closes the connections that it opened itself. */
  close(): Promise<void>
}
