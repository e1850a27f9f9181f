import { z } from 'zod'

/** What the clients of `listeners.ts` are to do. */
export const ListenerPlanSchema = z.object({
  url: z.string(),
  token: z.string(),
  /** Open streams; the orders take turns with them, so one order has many listeners, or each listener an order of its own. */
  streams: z.number(),
  orders: z.array(z.string()),
  /** What every order is told, one after the other; all streams must have heard of one before the next is sent. */
  transitions: z.array(z.string()),
  /** Of them, those whose times are thrown away. */
  warmUp: z.number(),
  /** Transitions a second, where there are several orders. */
  rate: z.number(),
})
export type ListenerPlan = z.infer<typeof ListenerPlanSchema>

export const ListenerResultSchema = z.object({
  /** From sending a transition to its event on a stream, milliseconds. */
  heardMs: z.array(z.number()),
  /** Events that a stream did not tell, told twice, or told out of order, and refused transitions. */
  failures: z.number(),
})
export type ListenerResult = z.infer<typeof ListenerResultSchema>
