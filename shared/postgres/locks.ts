/**
 * The first keys of all advisory locks, each for one kind of work; the second says which of it: mostly the partition. A database has
 * locks of its own. Two versions run beside each other while a new one is rolled out and must exclude each other: a number stays.
 */
export const LOCKS = {
  /** One migration at a time. drizzle/migrate.ts takes it, and imports nothing of ours. */
  migration: 7_264_100,
  /** One relay for a partition. */
  relay: 7_264_101,
  /** Whoever makes a role on a developer's machine. */
  role: 7_264_102,
  /** One batch at a time is applied to a partition. */
  inbox: 7_264_201,
  /** One repair for a group; the second key tells the groups of a database apart. */
  repair: 7_264_202,
  /** One rebuild of the projection at a time. */
  rebuild: 7_264_203,
  verification: 7_264_204,
  /** As `inbox`, for the second one of a database. */
  secondInbox: 7_264_211,
} as const
