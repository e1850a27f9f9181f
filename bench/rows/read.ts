import type { Group } from '../context.ts'
export const readGroup: Group = { rows: [], run: async () => {} }
