import { z } from 'zod'

/** What the generator of `lag-generator.ts` is to do. */
export const LagPlanSchema = z.object({
  postUrl: z.string(),
  getUrl: z.string(),
  /** By merchant. */
  tokens: z.record(z.string(), z.string()),
  /** Entries a second. */
  rate: z.number(),
  /** Sent before, and not measured: connections are opened, code is compiled. */
  warmUpSeconds: z.number(),
  seconds: z.number(),
  /** Of so many entries, one is waited for: the waiting readers must not become the load. */
  probeEvery: z.number(),
  /** Seed of the entries, and the number of the first one. */
  first: z.number(),
  plain: z.boolean(),
})
export type LagPlan = z.infer<typeof LagPlanSchema>

/** What it saw, in milliseconds. */
export const LagResultSchema = z.object({
  sent: z.number(),
  created: z.number(),
  /** Answers other than 201 and 200, and broken connections. */
  failures: z.number(),
  /** The latest that an entry was sent after it was due: above some milliseconds the generator itself is starved. */
  lateMsMax: z.number(),
  /** From the POST's sending to the answer that contains it. */
  lagMs: z.array(z.number()),
  /** The same from the POST's answer. */
  afterAnswerMs: z.array(z.number()),
  /** The POST alone. */
  postMs: z.array(z.number()),
})
export type LagResult = z.infer<typeof LagResultSchema>
