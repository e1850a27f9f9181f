import type { Group } from '../context.ts'
export const backlogGroup: Group = { rows: [], run: async () => {} }
