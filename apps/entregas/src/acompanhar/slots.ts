import type { StreamSlotsOptions } from '@fluxo/shared/live/slots'

/** 1,000 streams take some 30 MB. Beyond these another instance serves better. */
export const COMERCIANTE_SLOTS: StreamSlotsOptions = { max: 2_000, comercianteMax: 500, topicMax: 20 }
/** The public pages have places of their own, so that no token takes them; a link that went round takes only its order's. */
export const PAGE_SLOTS: StreamSlotsOptions = { max: 3_000, comercianteMax: 1_000, topicMax: 100 }
