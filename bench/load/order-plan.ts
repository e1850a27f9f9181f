import { z } from 'zod'

/** What the generator of `order-generator.ts` is to do. */
export const OrderPlanSchema = z.object({
  url: z.string(),
  /** Of the merchants, in their order. */
  tokens: z.array(z.string()),
  /** Orders a second. */
  rate: z.number(),
  /** Sent before, and not measured: connections are opened, code is compiled. */
  warmUpSeconds: z.number(),
  seconds: z.number(),
  /** Seed of the orders, and the number of the first one. */
  first: z.number(),
  plain: z.boolean(),
})
export type OrderPlan = z.infer<typeof OrderPlanSchema>

/** What it saw, in milliseconds. */
export const OrderResultSchema = z.object({
  /** Orders whose stream told of their delivery, the warm-up's included. */
  delivered: z.number(),
  /** Answers other than 201 and 200, broken connections, and streams that ended too early. */
  failures: z.number(),
  /** The latest that an order was sent after it was due. */
  lateMsMax: z.number(),
  /** From the POST's sending to the event DELIVERED on the order's stream. */
  deliveredMs: z.array(z.number()),
  /** The POST alone. */
  postMs: z.array(z.number()),
})
export type OrderResult = z.infer<typeof OrderResultSchema>
